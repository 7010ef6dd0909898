#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Of the heap's metrics `annotate` shows the allocating lines and calls, with exactly what the program allocated there.
source "$(dirname "$0")/lib.sh"

cc_program program <<'C'
#include <stdlib.h>
static void* volatile keep;
static inline void* many(void) { return malloc(24); }
__attribute__((noinline)) void fill(void) {
  for (int i = 0; i < 1000; ++i) free(keep = many());
  for (int i = 0; i < 10; ++i) keep = calloc(10, 100);
  keep = malloc(70000);
}
int main(void) { fill(); }
C
"$FLARESTACK" record --quiet -o t.flare -- ./program
for metric in allocated:24000,10000,70000 allocations:1000,10,1 live:0,10000,70000; do
  "$FLARESTACK" annotate t.flare fill --metric "${metric%:*}" --format json --no-inline >t.json
  f="d['functions'][0]"
  json_true t.json "sorted(i['self'] for p in $f['pieces'] for i in p['instructions'] if i['self']) == sorted(v for v in [${metric#*:}] if v)" "${metric%:*}"
  json_true t.json "all('call' in i['intel'] and 'alloc@plt' in i['leads_to'] for p in $f['pieces'] for i in p['instructions'] if i['self'])" "not the calls"
  json_true t.json "$f['hints'] == []" "hints for memory"
done
"$FLARESTACK" annotate t.flare fill --metric allocated >t.txt
grep -qE '[0-9.]+% +[0-9.]+ KiB .*\[many, inlined\]' t.txt || fail "$(cat t.txt)"
"$FLARESTACK" annotate t.flare fill --metric allocated --format json >t.json
json_true t.json "any(l['function'] == 'many' and l['self'] == 24000 for l in $f['lines'])" "the inlined line"
json_true t.json "$f['self'] == 80000 and $f['self_with_inlined'] == 104000" "with what was inlined"
