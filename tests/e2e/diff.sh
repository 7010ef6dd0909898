#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Of two builds from different folders, with other lines and another version of a library, `diff` names exactly what was made
# slower, hungrier and leakier; of two recordings of one build nothing. The page of two recordings agrees.
source "$(dirname "$0")/lib.sh"

mkdir old new
# The loop has nothing in memory, whose cost would depend on what was done before: it is as fast in every run.
cat >old/work.c <<'C'
#include <stdlib.h>
#include <string.h>
volatile long sink;
#define SPIN(rounds) unsigned long x = 1; for (long i = 0; i < (rounds); ++i) { x = x * 6364136223846793005UL + 1; __asm__ volatile("" : "+r"(x)); } sink += (long)x
__attribute__((noinline)) void steady(void) { SPIN(4000000); }
__attribute__((noinline)) void slowed(long rounds) { SPIN(rounds); }
__attribute__((noinline)) char* copy_text(int size) {
  char* text = malloc(size);
  memset(text, 'x', size);
  return text;
}
__attribute__((noinline)) char* keep(int size) { return malloc(size); }
__attribute__((noinline)) void forget(int size) {
  char* volatile lost = malloc(size);
  lost = NULL;
}
C
cat >old/main.c <<'C'
#include <stdlib.h>
void steady(void);
void slowed(long);
char* copy_text(int);
char* keep(int);
void forget(int);
char* volatile kept[20];
int main(void) {
  for (int i = 0; i < 20; ++i) {  // in turns, so that whatever else the machine does slows both down
    steady();
    slowed(WORK);
    for (int text = 0; text < 50; ++text) free(copy_text(MORE ? 800 : 100));
    kept[i] = keep(20000);
    if (MORE) forget(1000);
  }
  return 0;
}
C
{ printf '\n// moved\n\n' && cat old/work.c; } >new/work.c
{ printf '// moved\n' && cat old/main.c; } >new/main.c
build() {  # FOLDER VERSION FLAGS...
  (cd "$1" && gcc -O1 -g -fPIC -shared work.c -o "libwork.so.1.$2" &&
    gcc -O1 -g "${@:3}" main.c "./libwork.so.1.$2" -o "app-$2")
}
build old 2 -DWORK=4000000 -DMORE=0
build new 3 -DWORK=8000000 -DMORE=1
record() { (cd "$1" && timeout 100 "$FLARESTACK" record --quiet -o "../$3" -- "./$2"); }
for run in 1 2 3; do
  record old app-2 "old$run.flare"
  record new app-3 "new$run.flare"
done
compare() { timeout 100 "$FLARESTACK" diff "$@"; }
# names FILE METRIC LIST WORSE: of native functions or places whose own value went up, or down.
names() {
  python3 - "$@" <<'PY'
import json, sys
file, metric, list_, direction = sys.argv[1:]
[found] = [each for each in json.load(open(file))["metrics"] if each["metric"] == metric]
changed = lambda value: value["verdict"] not in ("same", "noise") and (value["change"] > 0) == (direction == "up")
if list_ == "sites":
    print(*sorted(each["path"][0]["function"] for each in found["sites"] if changed(each)))
else:
    print(*sorted(each["name"] for each in found["functions"] if each["kind"] == "native" and changed(each["self"])))
PY
}
expect() {  # FILE METRIC LIST DIRECTION NAMES
  local found
  found=$(names "${@:1:4}")
  [ "$found" = "$5" ] || fail "$1 $2 $3 $4: '$found' instead of '$5': $(cat diff.txt)"
}

compare old1.flare new1.flare >diff.txt
compare old1.flare new1.flare --format json -o diff.json
expect diff.json cpu functions up "slowed"
expect diff.json cpu functions down ""
expect diff.json allocated sites up "copy_text forget"
expect diff.json allocated sites down ""
expect diff.json leaked sites up "forget"
expect diff.json temporary sites up ""
json_true diff.json "d['paired_modules'] == [{'base': 'app-2', 'new': 'app-3'}, {'base': 'libwork.so.1.2', 'new': 'libwork.so.1.3'}]" "pairs"
json_true diff.json "[m['metric'] for m in d['metrics']] == ['cpu', 'allocated', 'peak', 'temporary', 'leaked']" "metrics"
json_true diff.json "{(s['path'][0]['function'], s['change'], s['base_line'] + 3 == s['path'][0]['line']) for m in d['metrics'] if m['metric'] == 'allocated' for s in m['sites']} == {('copy_text', 700.0 * 1000, True), ('forget', 20000.0, False), ('keep', 0.0, True)}" "sites"
grep -q "slowed  libwork.so.1.3  work.c:9" diff.txt || fail "$(cat diff.txt)"
grep -q "^Memory lost .* 0 B .* +19.5 KiB .* new  more" diff.txt || fail "$(cat diff.txt)"
compare new1.flare old1.flare --format json -o back.json
expect back.json cpu functions down "slowed"
expect back.json leaked sites down "forget"

compare old1.flare old2.flare >diff.txt
compare old1.flare old2.flare --format json -o same.json
for metric in cpu allocated peak temporary leaked; do
  expect same.json "$metric" functions up ""
  expect same.json "$metric" functions down ""
done
# Several of each side: what differs is told by their spread.
compare --base old1.flare old2.flare old3.flare --new new1.flare new2.flare new3.flare --format json -o runs.json
expect runs.json cpu functions down ""
expect runs.json allocated sites up "copy_text forget"
expect runs.json leaked sites up "forget"
json_true runs.json "all(len(f['self']['base_runs']) == len(f['self']['new_runs']) == 3 for m in d['metrics'] for f in m['functions'])" "runs"

# The page decides by the same rules.
for module in compare module_pairs; do cp "$SOURCE_DIR/report/web/view/$module.js" "$module.mjs"; done
for compared in diff same; do
  node "$SOURCE_DIR/tests/e2e/diff/page_agrees.mjs" compare.mjs module_pairs.mjs "$compared.json" >told.txt || fail "$(cat told.txt)"
done

timeout 100 "$FLARESTACK" record --quiet --no-cpu -o heap.flare -- true

# As a picture, painted where it changed.
compare old1.flare new1.flare --metric allocated -o change.svg
python3 - <<'PY'
import re, xml.etree.ElementTree as tree
picture = next(each for each in tree.parse("change.svg").iter() if each.get("id") == "picture")
painted = {each.get("class") for each in picture.iter("{http://www.w3.org/2000/svg}path")}
labels = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")]
assert "even" in painted and any(re.match("up", each) for each in painted), painted
assert not any(re.match("down|gone", each) for each in painted), painted
assert "copy_text" in labels, labels
PY

# What other tools recorded: stacks with their samples.
printf 'main;parse 400\nmain;draw 400\nmain;gone 100\n' >base.folded
printf 'main;parse 800\nmain;draw 404\nmain;fresh 100\n' >newer.folded
for side in base newer; do timeout 100 "$FLARESTACK" import --period 1ms "$side.folded" -o "$side.flare" >told.txt; done
compare base.flare newer.flare --format json -o imported.json
expect imported.json cpu functions up "fresh parse"
expect imported.json cpu functions down "gone"

# Wrong usage, and what is no trace: one sentence.
rejected() {  # STATUS STDERR ARGUMENTS...
  local status=0
  compare "${@:3}" >out.txt 2>err.txt || status=$?
  [ "$status" = "$1" ] || fail "status $status for ${*:3}"
  [ "$(wc -l <err.txt)" = 1 ] && [ ! -s out.txt ] || fail "not one sentence: $(cat err.txt out.txt)"
  grep -qF -- "$2" err.txt || fail "no '$2' in $(cat err.txt)"
}
rejected 2 "two traces" old1.flare
rejected 2 "two traces" old1.flare new1.flare --base old2.flare
rejected 1 "nothere.flare" old1.flare nothere.flare
rejected 1 "base.flare: --metric leaked" base.flare new1.flare --metric leaked
rejected 1 "nothing in common" base.flare heap.flare
