#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command leaks: its errors, suppression files of both syntaxes, what it generates, its gate, and that of record.
source "$(dirname "$0")/lib.sh"

cc_program leaky <<'C'
#include <stdlib.h>
#include <unistd.h>
struct node { struct node *next; char name[40]; };
void *kept;
__attribute__((noinline)) struct node *chain(int n) {
  struct node *head = NULL;
  while (n-- > 0) {
    struct node *one = malloc(sizeof *one);
    one->next = head;
    head = one;
  }
  return head;
}
__attribute__((noinline)) void lose(void) { struct node *volatile lost = chain(4); lost = NULL; (void)lost; }
// The same with an end, so that no register and no dead stack has the lost pointers.
__attribute__((noinline)) void scrub(void) {
  for (struct node *one = chain(4), *next; one != NULL; one = next) next = one->next, free(one);
}
int main(int n, char **words) {
  kept = malloc(100);
  if (n > 1 && words[1][0] == 'l') lose();
  scrub();
  return n > 2 ? atoi(words[2]) : 0;
}
C
# status EXPECTED COMMAND...: the command's exit status; its output is in out and err.
status() {
  local got=0
  "${@:2}" >out 2>err || got=$?
  [ "$got" = "$1" ] || fail "${*:2}: status $got instead of $1: $(cat err)"
}
sites() { json leaks.json "[(s['verdict'], s['bytes'], s['blocks']) for s in d['sites']]"; }

"$FLARESTACK" record --quiet -o t.flare -- ./leaky lose
"$FLARESTACK" leaks t.flare --format json -o leaks.json
[ "$(sites)" = "[('definitely_lost', 48, 1), ('indirectly_lost', 144, 3), ('still_reachable', 100, 1)]" ] || fail "sites: $(sites)"
json_true leaks.json "d['sites'][0]['stack'][0]['function'] == 'chain' and d['sites'][0]['stack'][0]['line'] == 8" "place"
json_true leaks.json "d['sites'][2]['holders'][0]['variable'] == 'kept'" "holder"
"$FLARESTACK" leaks t.flare >out
grep -q "48 B in 1 block definitely lost, and 144 B in 3 blocks behind it" out || fail "text: $(cat out)"

# The gate.
status 0 "$FLARESTACK" leaks t.flare --fail-above 192
status 1 "$FLARESTACK" leaks t.flare --fail-above 191
[ "$(wc -l <err)" = 1 ] && grep -q "^flarestack: 192 B are lost" err || fail "--fail-above: $(cat err)"
status 1 "$FLARESTACK" record --leaks --quiet -o r.flare -- ./leaky lose 3
grep -q "definitely lost" err || fail "record --leaks: $(cat err)"
status 3 "$FLARESTACK" record --leaks --quiet -o r.flare -- ./leaky none 3
[ ! -s err ] || fail "record --leaks --quiet says: $(cat err)"

# Suppressions of both syntaxes, and those that it writes itself.
echo "leak:^lose$" >lsan.supp
printf '{\n a\n Memcheck:Leak\n match-leak-kinds: definite\n fun:malloc\n fun:chain\n fun:lo?e\n}\n' >memcheck.supp
"$FLARESTACK" leaks t.flare --generate-suppressions -o own.supp
for file in lsan memcheck own; do
  status 0 "$FLARESTACK" leaks t.flare --suppressions $file.supp --fail-above 0
  status 0 "$FLARESTACK" record --leaks --quiet --suppressions $file.supp -o r.flare -- ./leaky lose
done
echo "leak:^nothing$" >other.supp
status 0 "$FLARESTACK" leaks t.flare --suppressions lsan.supp --suppressions other.supp --fail-above 0
status 0 "$FLARESTACK" record --leaks --quiet --suppressions other.supp --suppressions lsan.supp -o r.flare -- ./leaky lose
"$FLARESTACK" leaks --print-suppressions >builtin.supp
grep -q "emergency pool" builtin.supp || fail "no built-in list"
status 0 "$FLARESTACK" leaks t.flare --no-builtin-suppressions --suppressions builtin.supp

# Errors of one sentence.
# wrong STATUS PATTERN COMMAND...
wrong() {
  status "$1" "${@:3}"
  [ "$(wc -l <err)" = 1 ] && grep -q "^flarestack: $2" err || fail "${*:3}: $(cat err)"
}
printf '{\n a\n Memcheck:Leak\n fun:malloc\n' >broken.supp
wrong 2 "broken.supp:1: the suppression that begins here has no }" "$FLARESTACK" leaks t.flare --suppressions broken.supp
wrong 2 "broken.supp:1: " "$FLARESTACK" record --leaks --suppressions broken.supp -- ./leaky
wrong 1 ".*nothere.supp: No such file" "$FLARESTACK" leaks t.flare --suppressions nothere.supp
wrong 1 ".*nothere.flare" "$FLARESTACK" leaks nothere.flare
wrong 2 "--show: .*leaked" "$FLARESTACK" leaks t.flare --show leaked
wrong 2 "--fail-above: " "$FLARESTACK" leaks t.flare --fail-above many
wrong 2 "--leaks: verdicts need an exact recording" "$FLARESTACK" record --leaks --no-heap -- ./leaky
wrong 2 "--leaks: verdicts need an exact recording" "$FLARESTACK" record --leaks --heap sampled -- ./leaky
"$FLARESTACK" record --quiet --no-heap -o none.flare -- ./leaky
wrong 1 ".*no heap in it" "$FLARESTACK" leaks none.flare
"$FLARESTACK" record --quiet --no-leak-check -o none.flare -- ./leaky lose
wrong 1 "--metric leaked: .*no leak check" "$FLARESTACK" report none.flare --metric leaked
"$FLARESTACK" leaks none.flare | grep -q "no verdict: leaky ([0-9]*): no leak check was asked for (--no-leak-check)$" || fail "no reason"
