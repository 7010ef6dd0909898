#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `annotate` shows each instruction of a function, as objdump has them, with its cost, and the lines and inlined functions
# they come from: what is known of the program's lines, and sums that agree with `report`.
source "$(dirname "$0")/lib.sh"

cat >work.h <<'C'
static inline unsigned mix(unsigned a, unsigned b) { return (a ^ b) * 31u; }
C
cat >program.c <<'C'
#include <stdio.h>
#include <time.h>
#include "work.h"
static double cpu(void) { struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
__attribute__((noinline)) unsigned busy(unsigned count, unsigned divisor) {
  unsigned sum = 1;
  if (count == 12345) {
    sum += 3;
    printf("%u %u %u %u\n", count, divisor, sum, count + divisor);
    sum -= count;
  }
  for (unsigned i = 0; i < count; ++i)
    sum += mix(sum, i) / divisor;
  return sum;
}
__attribute__((noinline)) unsigned busier(unsigned count) { return busy(count, 7) + busy(count, 9); }
int main(void) {
  unsigned sum = 0;
  for (double end = cpu() + 0.5; cpu() < end;) sum += busier(10000);
  printf("%u\n", sum);
}
C
gcc -O2 -g -Wall program.c -o program
timeout 60 "$FLARESTACK" record --quiet -o t.flare -- ./program >out
annotate() { timeout 60 "$FLARESTACK" annotate t.flare "$@"; }

annotate busy --format json >busy.json
f="d['functions'][0]"
all="[i for p in $f['pieces'] for i in p['instructions']]"
json_true busy.json "d['schema'] == 'flarestack.annotate/1' and d['metric'] == 'cpu' and d['unit'] == 'ns' and len(d['functions']) == 1" "the document"
"$FLARESTACK" report t.flare --format json --threshold 0 >report.json
own=$(json report.json "[f['self'] for f in d['functions'] if f['name'] == 'busy'][0]")
json_true busy.json "$f['self'] == $own and $f['self_with_inlined'] >= $own" "the function's own cost is not the report's, $own"
json_true busy.json "sum(i['self'] for i in $all) == $f['self_with_inlined'] == sum(l['self'] for l in $f['lines'])" "sums of instructions and lines"
objdump -d --no-show-raw-insn --disassemble=busy program | sed -nE 's/^ +([0-9a-f]+):.*/0x\1/p' >objdump
diff objdump <(json busy.json "'\n'.join(i['offset'] for i in $all)") >difference || fail "not objdump's instructions: $(head -5 difference)"
# The lines and inlined calls, as the compiler wrote them.
json_true busy.json "max($f['lines'], key=lambda l: l['self'])['text'].strip() == 'sum += mix(sum, i) / divisor;'" "the hottest line"
json_true busy.json "any([x['function'] for x in i.get('inlined', [])] == ['mix', 'busy'] and i['file'].endswith('work.h') for i in $all)" "inlined code"
json_true busy.json "any('div' in i['intel'] and 'div' in i['att'] and '%' in i['att'] for i in $all)" "both syntaxes"
json_true busy.json "any(i.get('leads_to') == 'printf@plt' for i in $all)" "names of what is called"
# Basic blocks: the loop's own cost is in one that leads to itself.
json_true busy.json "(lambda b: b['loop_depth'] == 1 and $f['pieces'][0]['blocks'].index(b) in b['successors'])(max($f['pieces'][0]['blocks'], key=lambda b: b['self']))" "the loop"
# A function that only calls has its callees' cost at its calls.
annotate busier --format json >busier.json
json_true busier.json "$f['total'] >= 0.95 * d['total'] * 0.9 and sum(i['total'] for i in $all if 'busy' == i.get('leads_to')) >= 0.9 * $f['total']" "calls"

annotate busy >text
grep -qE '^ +[0-9.]+% +[0-9.]+ ms .* div ' text || fail "no cost at the division or behind it: $(cat text)"
grep -qE '\[mix, inlined\] static inline unsigned mix' text || fail "inlined code is not marked"
grep -qE '\.\.\. [0-9]+ instructions with no cost \.\.\.' text || fail "what is cold is not folded"
grep -qE '[`,|]-*>? +[0-9a-f]+ ' text || fail "no jumps"
[ "$(wc -L <text)" -le 100 ] || fail "wider than a terminal"
annotate busy --all >all.txt
! grep -q 'with no cost' all.txt || fail "--all folds"
annotate busy --hot | grep -A3 -m1 '^  SELF' | grep -q 'sum += mix(sum, i) / divisor;' || fail "--hot does not begin with the hottest line"
annotate busy --syntax att | grep -q 'div.* %' || fail "--syntax att"
# Several that match: the hottest, and which others there are; an exact name is one.
annotate '^bus' --top 1 >several
grep -q "'^bus' matches 1 more function: bus" several || fail "the others are not named: $(tail -2 several)"
[ "$(annotate '^bus' --top 0 --format json | json /dev/stdin "len(d['functions'])")" = 2 ]
annotate mix | grep -q 'inlined into busy' || fail "an inlined function is not found"
status=0; annotate nothing_like_it 2>err || status=$?
[ "$status" = 1 ] && grep -q "no function of this profile matches 'nothing_like_it'" err || fail "$status: $(cat err)"
