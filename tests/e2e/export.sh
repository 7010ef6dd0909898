#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is exported is what `report` says: in every format the total and each function's self and total values, of every
# metric, as independent readers see them (exports/readers.py, callgrind_annotate, ms_print).
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile long sink;
static char* kept[3000];
static inline __attribute__((always_inline)) void spin(long n) { for (long i = 0; i < n; ++i) sink += i; }
__attribute__((noinline)) void compute(void) { spin(100000000); }
__attribute__((noinline)) int odd(int n);
__attribute__((noinline)) int even(int n) { spin(40000); return n == 0 ? 1 : odd(n - 1) + 1; }
__attribute__((noinline)) int odd(int n) { spin(20000); return n == 0 ? 0 : even(n - 1) + 1; }
__attribute__((noinline)) void keep(void) { for (int i = 0; i < 3000; ++i) kept[i] = malloc(100 + i % 7); }
__attribute__((noinline)) void drop(void) { for (int i = 0; i < 3000; i += 2) free(kept[i]), kept[i] = NULL; }
__attribute__((noinline)) void temporary(void) { for (int i = 0; i < 4000; ++i) { char* p = malloc(200); sink += p[0]; free(p); } }
__attribute__((noinline)) void lose(void) { for (int i = 0; i < 20; ++i) { char* volatile p = malloc(333); memset(p, 0, 333); p = NULL; } }
static void* thread(void* unused) { compute(); temporary(); return unused; }
int main(void) {
  pthread_t other;
  pthread_create(&other, NULL, thread, NULL);
  keep();
  for (int i = 0; i < 20; ++i) sink += even(40);
  pthread_join(other, NULL);
  drop();
  lose();
  if (fork() == 0) { compute(); temporary(); _exit(0); }
  wait(NULL);
  return 0;
}
C
"$FLARESTACK" record --quiet --clock wall -o t.flare -- ./target

for metric in cpu wall allocated allocations peak live temporary leaked; do
  "$FLARESTACK" report t.flare --metric $metric --format json --threshold 0 -o $metric.json
  for format in collapsed speedscope firefox chrome callgrind json csv; do
    "$FLARESTACK" export t.flare --metric $metric --format $format -o out
    python3 "$SOURCE_DIR/tests/e2e/exports/readers.py" $format out $metric.json || fail "$format, $metric"
  done
done
# Firefox's profile has what was allocated beside the time, where no metric is asked for.
"$FLARESTACK" export t.flare --format firefox -o out
python3 "$SOURCE_DIR/tests/e2e/exports/readers.py" firefox out wall.json || fail "firefox, time and heap: the time"
python3 "$SOURCE_DIR/tests/e2e/exports/readers.py" firefox_allocations out allocated.json || fail "firefox, time and heap: the heap"

total() { json "$1.json" 'd["total"]'; }

# The peak is the largest snapshot, and what is live at the end the last one; ms_print shows the same, and the functions.
"$FLARESTACK" export t.flare --format massif -o massif
ms_print massif >printed 2>ms_print.err
[ ! -s ms_print.err ] || fail "ms_print: $(head -3 ms_print.err)"
commas() { python3 -c 'import sys; print(f"{int(sys.argv[1]):,}")' "$1"; }
grep -q "(heap allocation functions)" printed || fail "no tree: $(head -50 printed)"
grep -Eq -- "->[0-9.]+% \([0-9,]+B\) 0x[0-9A-F]+: keep \([a-z.<>-]+:[0-9]+\)" printed || fail "no function: $(head -80 printed)"
python3 - "$(total peak)" "$(total live)" massif <<'P' || fail "massif: $(head -c 2000 massif)"
import re, sys
peak, live = int(sys.argv[1]), int(sys.argv[2])
snapshots = re.findall(r"snapshot=(\d+)\n#-+\ntime=(\d+)\nmem_heap_B=(\d+)\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=(\w+)\n((?: *n\d.*\n)*)", open(sys.argv[3]).read())
assert [int(s[0]) for s in snapshots] == list(range(len(snapshots))) and len(snapshots) > 4
assert all(int(a[1]) <= int(b[1]) for a, b in zip(snapshots, snapshots[1:]))
assert [int(s[2]) for s in snapshots if s[3] == "peak"] == [peak]
assert int(snapshots[-1][2]) == live and snapshots[-1][3] == "detailed"
for _, _, size, kind, tree in snapshots:
    if kind == "empty":
        continue
    lines = [re.match(r"( *)n(\d+): (\d+) ", line) for line in tree.splitlines()]
    def check(i, depth):  # the line behind its subtree
        assert len(lines[i][1]) == depth
        most, following = int(lines[i][3]), i + 1
        for _ in range(int(lines[i][2])):
            most -= int(lines[following][3])
            following = check(following, depth + 1)
        assert most >= 0
        return following
    assert check(0, 0) == len(lines) and int(lines[0][3]) == int(size)
P
grep -Eq "^ *[0-9]+ .* $(commas "$(total peak)") +$(commas "$(total peak)") +0 +0$" printed || fail "ms_print has no snapshot of the peak"

# heaptrack's totals, and its words.
"$FLARESTACK" export t.flare --format heaptrack -o heaptrack
for line in "calls to allocation functions: $(total allocations) (" "temporary memory allocations: $(total temporary) (" \
  "bytes allocated in total (ignoring deallocations): .* ($(total allocated) bytes)" \
  "peak heap memory consumption: .* ($(total peak) bytes)" "total memory live at the end: .* ($(total live) bytes)" \
  "total memory leaked: .* ($(total leaked) bytes)" "total runtime: [0-9.]*s\\." "8000 temporary allocations of 8000 allocations in total (100.00%) from"; do
  grep -q "^$line" heaptrack || fail "no line '$line': $(tail -12 heaptrack)"
done
[ "$(total leaked)" = 6660 ] && grep -q "^6.66K leaked over 20 calls from$" heaptrack || fail "leaks: $(grep -A9 LEAKS heaptrack)"

# What cannot be is said in one sentence.
refuses() {
  local status=0
  "$FLARESTACK" export "${@:2}" >out 2>err || status=$?
  [ "$status" = 1 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -q "$1" err || fail "${*:2}: status $status: $(cat err)"
}
"$FLARESTACK" record --quiet --no-heap -o cpu.flare -- true
"$FLARESTACK" record --quiet --no-cpu -o heap.flare -- true
for format in massif heaptrack; do
  refuses "^flarestack: --format $format: this recording has no heap in it; .*without --no-heap" cpu.flare --format $format
  refuses "^flarestack: --format $format .*takes no --metric" t.flare --format $format --metric peak
done
for format in collapsed speedscope firefox chrome callgrind json csv; do
  refuses "^flarestack: --metric peak: .*without --no-heap" cpu.flare --format $format --metric peak
  refuses "^flarestack: --metric cpu: .*without --no-cpu" heap.flare --format $format --metric cpu
  "$FLARESTACK" export heap.flare --format $format >out || fail "$format of a heap alone"
done
