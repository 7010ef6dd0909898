#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A stripped program's debug file comes from elfutils' own debuginfod on loopback, only if DEBUGINFOD_URLS names it; a
# program that was built anew since the recording is shown without lines, and the report says why.
source "$(dirname "$0")/lib.sh"

cat >spin.c <<'C'
#include <stdio.h>
static unsigned twice(unsigned v) { return v * 2654435761u + 7; }
__attribute__((noinline)) static unsigned spin(unsigned n) { for (unsigned i = 0; i < 100000000; ++i) n = twice(n) ^ i; return n; }
int main(void) { printf("%u\n", spin(3)); return 0; }
C
gcc -O1 -g -Wl,--build-id spin.c -o prog
mkdir files && objcopy --only-keep-debug prog files/prog.debug && strip prog
"$FLARESTACK" record --quiet --no-heap -o spin.flare -- ./prog >/dev/null

(( port = 20000 + RANDOM % 20000 ))
DEBUGINFOD_CACHE_PATH="$PWD/server" timeout 120 debuginfod -F -d :memory: -p "$port" -R -L files >server.log 2>&1 &

id="$(readelf -n files/prog.debug | sed -n 's/.*Build ID: //p')"
for _ in $(seq 100); do
  timeout 5 env DEBUGINFOD_CACHE_PATH="$PWD/probe" DEBUGINFOD_URLS="http://127.0.0.1:$port" debuginfod-find debuginfo "$id" >/dev/null 2>&1 && break
  rm -rf probe
  timeout 1 tail --pid=$! -f /dev/null || true
done

export DEBUGINFOD_CACHE_PATH="$PWD/client"
env -u DEBUGINFOD_URLS "$FLARESTACK" report spin.flare --format json >without.json
json_true without.json "not any(f['name'] == 'spin' for f in d['functions'])" "nobody is asked"
[ ! -e client ] || fail "the client's cache was made without DEBUGINFOD_URLS"
DEBUGINFOD_URLS="http://127.0.0.1:$port" "$FLARESTACK" report spin.flare --format json >with.json
json_true with.json "[(f['file'].rsplit('/')[-1], f['line']) for f in d['functions'] if f['name'] == 'spin'] == [('spin.c', 3)]" "lines of the server's file"

gcc -O2 -g -Wl,--build-id spin.c -o prog
export FLARESTACK_CACHE_DIR="$PWD/no_cache"
env -u DEBUGINFOD_URLS "$FLARESTACK" report spin.flare >changed.txt
tr -s ' \n' ' ' <changed.txt | grep -q 'changed since the recording (build id differs)' || fail "the change is not told: $(cat changed.txt)"
! grep -q 'spin.c' changed.txt || fail "lines of another build are shown"
