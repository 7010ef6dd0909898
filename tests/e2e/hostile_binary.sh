#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs whose files became hostile after they were recorded, with the build id that they had: one that takes a minute to
# read, one that unpacks to a GiB, one that is cut while it is read. Each costs its own lines or names, and the report says why,
# every time; the other modules of the same recording have theirs.
source "$(dirname "$0")/lib.sh"
export FLARESTACK_CACHE_DIR="$PWD/cache"

cc_program prog -Wl,--build-id <<'C'
#include <stdio.h>
#include <stdlib.h>
static int compare(const void* a, const void* b) { return *(const int*)a < *(const int*)b ? -1 : 1; }
__attribute__((noinline)) unsigned spin(unsigned n) { for (unsigned i = 0; i < 200000000; ++i) n = n * 2654435761u + i; return n; }
int main(void) {
  static int numbers[2000000];
  for (int i = 0; i < 2000000; ++i) numbers[i] = (int)((unsigned)i * 2654435761u);
  qsort(numbers, 2000000, sizeof *numbers, compare);
  printf("%u %d\n", spin(3), numbers[7]);
  return 0;
}
C
cp prog whole
"$FLARESTACK" record --quiet --no-heap -o t.flare -- ./prog >/dev/null
make_hostile() { cp whole prog && python3 "$SOURCE_DIR/tests/e2e/programs/hostile_debug_info.py" "$1" prog; }
# costs EXPRESSION MESSAGE: what the report says of the program, and that libc's functions are there.
costs() {
  json_true report.json "any($1 for p in d['quality']['symbol_problems'] if p['module'] == '$PWD/prog')" "$2"
  json_true report.json "any(f['module'] == 'libc.so.6' and 'sort' in f['name'] for f in d['functions'])" "libc's own names, $2"
  ! grep -rqas spin cache || fail "names are cached: $2"
}
has_spin="any(f['name'] == 'spin' and f['module'] == 'prog' and f['line'] == 0 for f in d['functions'])"

make_hostile slow
for _ in cold again; do
  timeout 60 "$FLARESTACK" report t.flare --format json >report.json
  costs "' has no lines, as reading them took more than ' in p['problem']" "a slow file"
  json_true report.json "$has_spin" "names of a slow file"
done

make_hostile bomb
timeout 60 "$FLARESTACK" report t.flare --format json >report.json
costs "' has no lines, as reading them needed more than ' in p['problem']" "a bomb"
json_true report.json "$has_spin" "names of a bomb"
timeout 60 "$FLARESTACK" annotate t.flare spin >annotated || fail "annotate: status $?"
grep -q 'reading its code needed more than' annotated || fail "annotate says nothing: $(cat annotated)"
timeout 90 "$FLARESTACK" bundle t.flare -o packed.flare >/dev/null 2>bundle.err || fail "bundle: $(cat bundle.err)"
grep -q "not in the bundle: $PWD/prog: reading it needed more than" bundle.err || fail "bundle says nothing: $(cat bundle.err)"

# Cut while a child has it mapped: what it reads next is not there.
make_hostile slow
"$FLARESTACK" report t.flare --format json >report.json &
report=$!
reader=
for _ in $(seq 3000); do
  reader="$(grep -ls "$PWD/prog\$" /proc/[0-9]*/maps | grep -o '[0-9]*' || true)"
  [ -z "$reader" ] || break
done
burn "$reader" 30
truncate -s 4096 prog
wait "$report" || fail "the report of a file that was cut: status $?"
costs "' has no symbols, as reading them was ended by SIGBUS: the file is damaged' in p['problem']" "a file that was cut"

cp whole prog
"$FLARESTACK" report t.flare --format json >report.json
json_true report.json "any(f['name'] == 'spin' and f['line'] > 0 for f in d['functions'])" "the file is whole again"
