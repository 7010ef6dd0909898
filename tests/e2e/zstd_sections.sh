#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Debug sections that zstd compresses, as linkers of today are often told to, give the lines that they gave uncompressed.
source "$(dirname "$0")/lib.sh"

cc_program prog -Wl,--build-id <<'C'
#include <stdio.h>
static inline unsigned twice(unsigned v) { return v * 2654435761u + 7; }
__attribute__((noinline)) unsigned spin(unsigned n) {
  unsigned s = n;
  for (unsigned i = 0; i < 200000000; ++i) s = twice(s) ^ i;
  return s;
}
int main(void) { printf("%u\n", spin(3)); return 0; }
C
"$FLARESTACK" record --quiet --no-heap -o t.flare -- ./prog >/dev/null
functions() { python3 -c 'import json, sys
for f in json.load(sys.stdin)["functions"]: print(f["name"], f["module"], f["self"], f["file"], f["line"])'; }
FLARESTACK_CACHE_DIR="$PWD/before" "$FLARESTACK" report t.flare --format json | functions >before.txt
objcopy --compress-debug-sections=zstd prog
readelf -tW prog >sections.txt  # no pipe: grep -q ends at the first match, and readelf by SIGPIPE
grep -q ZSTD sections.txt || fail "nothing is compressed by zstd"
FLARESTACK_CACHE_DIR="$PWD/after" "$FLARESTACK" report t.flare --format json >after.json
functions <after.json >after.txt
cmp before.txt after.txt || fail "the report differs: $(diff before.txt after.txt | head -5)"
grep -q '^twice prog .* 2$' after.txt || fail "no inlined call: $(cat after.txt)"
json_true after.json "not any(p['module'] == '$PWD/prog' for p in d['quality']['symbol_problems'])" "a module with its lines"
