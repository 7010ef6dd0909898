#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# However a program ends, there is a verdict, and it ends as without us: the same status, output and, for whoever catches
# nothing, the same siginfo in its core.
source "$(dirname "$0")/lib.sh"

cc_program dies -Wno-unused-result -Wno-infinite-recursion <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char* volatile kept;
__attribute__((noinline)) void* site_lost(size_t size) { return memset(malloc(size), 1, size); }
static void* faults(void* argument) { *(volatile int*)16 = 1; return argument; }
static void* exits(void* argument) { exit(9); return argument; }
static int deep(int depth) { volatile char room[4096]; room[0] = (char)depth; return deep(depth + 1) + room[0]; }
static void end(const char* how) {
  pthread_t id;
  kept = malloc(33);
  site_lost(77);
  printf("%s %d\n", how, kept != NULL);
  fflush(stdout);
  if (strcmp(how, "return") == 0) return;
  if (strcmp(how, "exit") == 0) exit(3);
  if (strcmp(how, "_exit") == 0) _exit(4);
  if (strcmp(how, "quick_exit") == 0) quick_exit(5);
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "fault") == 0) faults(NULL);
  if (strcmp(how, "fault_in_thread") == 0) pthread_create(&id, NULL, faults, NULL);
  if (strcmp(how, "exit_in_thread") == 0) pthread_create(&id, NULL, exits, NULL);
  if (strcmp(how, "divide") == 0) __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx");
  if (strcmp(how, "illegal") == 0) __asm__ volatile("ud2");
  if (strcmp(how, "trap") == 0) __asm__ volatile("int3");
  if (strcmp(how, "term") == 0) raise(SIGTERM);
  if (strcmp(how, "queued") == 0) sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42});
  if (strcmp(how, "alarm") == 0) alarm(1);
  if (strcmp(how, "pipe") == 0) { int pair[2]; pipe(pair); close(pair[0]); write(pair[1], "", 1); }
  if (strcmp(how, "overflow") == 0) printf("%d\n", deep(0));
  if (strcmp(how, "exit_group") == 0) syscall(231, 6);
  if (strcmp(how, "raw_exit_group") == 0) __asm__ volatile("syscall" : : "a"(231), "D"(7));
  if (strcmp(how, "kill") == 0) raise(SIGKILL);
  for (;;) pause();
}
int main(int count, char** words) {
  (void)count;
  end(words[1]);
  return 2;
}
C

# ends HOW CAUSE [REASON]: CAUSE of the check (0: exit, 1: a fatal signal); none: no verdict, for this REASON.
ends() {
  ulimit -c 0
  same_with_and_without ./dies "$1"
  "$FLARESTACK" leaks --format json t.flare >leaks.json
  "$FLARESTACK" info --records t.flare | grep '^leak_check' >checks || true
  if [ "$2" = none ]; then
    [ ! -s checks ] || fail "$1: $(cat checks)"
    json_true leaks.json 'len(d["no_verdict"]) == 1 and "'"$3"'" in d["no_verdict"][0]["reason"]' "$1: no verdict"
    return
  fi
  grep -q " cause=$2 .*problem=\"\"" checks || fail "$1: $(cat checks)"
  json_true leaks.json 'd["summary"]["definitely_lost"] == {"bytes": 77, "blocks": 1}' "$1: what is lost"
}
for how in return exit _exit quick_exit exit_in_thread exit_group; do ends "$how" 0; done
for how in abort fault fault_in_thread divide illegal trap term queued alarm pipe; do ends "$how" 1; done
ends overflow none "killed by SIGSEGV"
ends raw_exit_group none "a raw exit_group"
ends kill none "killed by SIGKILL"

# With --no-leak-check there is none.
RECORD_OPTIONS=--no-leak-check
for how in return raw_exit_group; do ends "$how" none "no leak check was asked for (--no-leak-check)"; done

# What a core file says of the signal, and where it was: the same, but for addresses that change from run to run.
cat >siginfo.py <<'END'
import struct, sys
core = open(sys.argv[1], "rb").read()
offset, size, count = struct.unpack_from("<Q", core, 32)[0], *struct.unpack_from("<HH", core, 54)
for i in range(count):
    kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", core, offset + i * size)
    end = at + length
    while kind == 4 and at < end:  # PT_NOTE
        name_size, data_size, note = struct.unpack_from("<III", core, at)
        data = at + 12 + (name_size + 3) // 4 * 4
        if note == 0x53494749:  # NT_SIGINFO
            signo, errno, code = struct.unpack_from("<iii", core, data)
            print("signal", signo, errno, code, "value", struct.unpack_from("<i", core, data + 24)[0] if code == -1 else "",
                  "at", hex(struct.unpack_from("<Q", core, data + 16)[0]) if code > 0 else "")
            fault = code > 0
        if note == 1 and "first" not in globals():  # NT_PRSTATUS of the thread that died
            first = struct.unpack_from("<Q", core, data + 112 + 16 * 8)[0]
        at = data + (data_size + 3) // 4 * 4
print("pc", hex(first) if fault and first < 0x700000000000 else "")
END
if [[ "$(cat /proc/sys/kernel/core_pattern)" == core* ]] && ulimit -c unlimited 2>/dev/null; then
  for how in fault divide illegal abort; do
    rm -f core*
    (setarch -R ./dies "$how") >/dev/null 2>&1 || true
    python3 siginfo.py core* >bare
    rm -f core*
    ("$FLARESTACK" record --quiet -o t.flare -- setarch -R ./dies "$how") >/dev/null 2>&1 || true
    python3 siginfo.py core* >recorded
    diff bare recorded || fail "core of $how"
    [ "$(wc -l <bare)" = 2 ] || fail "core of $how: $(cat bare)"
  done
else
  echo "no core files here: what they say was not compared"
fi
