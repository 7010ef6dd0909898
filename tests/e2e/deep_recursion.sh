#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Recursion 100 000 frames deep, in main and on a thread's stack: root and leaf of every stack are there, what is left out in
# between is marked in the stack and said by report and info.
source "$(dirname "$0")/lib.sh"

cc_program target -fno-optimize-sibling-calls <<'C'
#include <pthread.h>
#include <stdio.h>
#include <time.h>
static volatile unsigned long sink;
static long cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
__attribute__((noinline)) void leaf(long ms) {
  for (long end = cpu_ms() + ms; cpu_ms() < end;) for (int i = 0; i < 20000; ++i) sink = sink * 31 + 7;
}
__attribute__((noinline)) int innermost(long ms) { leaf(ms); return 1; }
__attribute__((noinline)) int recurse(int depth, long ms) { return depth == 0 ? innermost(ms) : recurse(depth - 1, ms) + 1; }
__attribute__((noinline)) int outermost(int depth, long ms) { return recurse(depth, ms) + 1; }
static void* thread(void* argument) { printf("%d\n", outermost(100000, 200)); return argument; }
int main(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 32 << 20);
  pthread_t id;
  pthread_create(&id, &attributes, thread, NULL);
  pthread_join(id, NULL);
  thread(NULL);
  printf("%d\n", outermost(3000, 100));  // all of it fits
  return 0;
}
C
ulimit -s 32768
for options in "--cpu 1000" "--cpu 10000"; do
  RECORD_OPTIONS="$options" same_with_and_without ./target
  "$FLARESTACK" export --format collapsed t.flare -o t.collapsed
  python3 - t.collapsed <<'PYTHON' || fail "stacks, $options: $(cut -c1-300 t.collapsed | head)"
import sys
deep = exact = other = 0
for line in open(sys.argv[1]):
    stack, weight = line.rsplit(" ", 1)
    frames, weight = stack.split(";"), int(weight)
    if "leaf" not in frames: other += weight * (stack[0] != "["); continue
    assert frames.count("outermost") == frames.count("innermost") == 1 and frames[frames.index("leaf") - 1] == "innermost", stack[:300]
    assert frames[frames.index("outermost") - 1] in ("main", "thread"), stack[:300]
    between = frames[frames.index("outermost") + 1:frames.index("innermost")]
    marks = [f for f in between if "elided" in f]
    assert len(between) - len(marks) == between.count("recurse"), stack[:300]
    if marks:
        assert len(marks) == 1 and 1000 < between.index(marks[0]) and len(between) - between.index(marks[0]) > 2000, (marks, between.index(marks[0]))
        deep += weight
    else:
        assert len(between) == 3001, len(between)
        exact += weight
print(deep, exact, other)
assert deep > 2.5 * exact > 0 and other < 0.15 * deep
PYTHON
  "$FLARESTACK" report t.flare >report.txt
  "$FLARESTACK" info t.flare >info.txt
  for text in report.txt info.txt; do grep -q "stacks deeper than 4096 frames" <(tr -s ' \n' ' ' <$text) || fail "$text: $(cat $text)"; done
  "$FLARESTACK" report --format json --threshold 0 t.flare >r.json
  total="{f['name']: f['total'] for f in d['functions']}"
  json_true r.json "(lambda t: t['outermost'] >= t['recurse'] >= t['innermost'] >= t['leaf'] > 0.9 * t['outermost'])($total)" "totals"
done
