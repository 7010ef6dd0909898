#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that cannot be recorded run as without us, nothing appears on their stderr, and each is listed with the reason.
source "$(dirname "$0")/lib.sh"

said='#include <stdio.h>
int main(void) { puts("said"); return 3; }'
cc_program dynamic <<<"$said"
cc_program static -static <<<"$said"
chmod 755 . dynamic && cp dynamic setuid && chown nobody setuid && chmod 4755 setuid
cp dynamic unreadable && chmod 711 unreadable
# A 32-bit file by its header alone: execve refuses it, or runs it where it can.
{ printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0'; head -c 100 /dev/zero; } >elf32
printf '#!/no/such/interpreter\n' >no_interpreter
printf '#! /bin/sh -e\n./dynamic\n' >script
printf '#!%s/static\n' "$PWD" >static_script
chmod +x elf32 no_interpreter script static_script
cat >all.sh <<'SH'
for program in ./static ./setuid ./unreadable ./elf32 ./no_interpreter ./script ./static_script ./dynamic; do
  $program
  echo "$program: $?"
done
env -i ./dynamic
env -i ./static
exec env - ./script
SH
same_with_and_without sh all.sh
"$FLARESTACK" info --format json t.flare >t.json
listed() { json_true t.json "any(p['command'].endswith('$1') and '$2' in p['reason'] for p in d['not_recorded'])" "$1 is listed as $2"; }
listed ./static "statically linked"  # executed: only what is launched is entered
listed ./setuid "setuid"
listed ./elf32 "not an x86-64 program"
json_true t.json 'sum(p["program"] == "dynamic" and p["exit"] == 3 for p in d["processes"]) >= 4' "the others are recorded"
for program in ./setuid; do
  status=0
  "$FLARESTACK" record --quiet -o u.flare -- $program >recorded.out 2>recorded.err || status=$?
  [ "$status" = 3 ] && grep -qx said recorded.out || fail "$program: $status $(cat recorded.out recorded.err)"
  "$FLARESTACK" info --format json u.flare >t.json
  if [ $program = ./static ]; then
    json_true t.json '[(p["program"], p["exit"], p["sampling"]) for p in d["processes"]] == [("static", 3, "perf_rings")] and d["not_recorded"] == []' "it is sampled from outside"
  else
    json_true t.json 'len(d["not_recorded"]) == 1 and d["processes"] == []' "it is listed"
  fi
done

# As another user, in a chroot, and where the agent's file cannot be seen: no word from the loader.
cat >drop.py <<'PY'
import os, sys
def child(prepare, *command):
    pid = os.fork()
    if pid == 0:
        prepare()
        os.execv(command[0], command)
    print(command, os.WEXITSTATUS(os.waitpid(pid, 0)[1]), flush=True)
def become_nobody():
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
child(become_nobody, "/bin/sh", "-c", "id -u; exit 7")
child(lambda: os.seteuid(65534), "/bin/sh", "-c", "echo effective; exit 8")
child(lambda: (os.chroot("root"), os.chdir("/")), "/bin/busy", "word")
PY
mkdir -p root/bin root/lib/x86_64-linux-gnu root/lib64
cp dynamic root/bin/busy
cp /lib/x86_64-linux-gnu/libc.so.6 root/lib/x86_64-linux-gnu/ && cp /lib64/ld-linux-x86-64.so.2 root/lib64/
same_with_and_without python3 drop.py
grep -q "busy.* 3" bare.out || fail "$(cat bare.out bare.err)"
"$FLARESTACK" info --format json t.flare >t.json
listed /bin/busy "cannot be opened from there"
listed /bin/sh "setuid"
