#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bottleneck report: a program that spends known parts of its time in its own loop, in the allocator, in formatting and asleep,
# and that holds a known peak, is told so: what, where, how much; a program without a bottleneck is told that there is none.
source "$(dirname "$0")/lib.sh"

cxx_program busy <<'C'
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <unistd.h>
static double cpu() { timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static double spent[3];
static volatile unsigned sink;
[[gnu::noinline]] void own_loop() { for (unsigned i = 0; i < 20000000; ++i) sink = sink * 1664525 + i; }
[[gnu::noinline]] void format_all() {
  char text[400];
  for (int i = 0; i < 150000; ++i) snprintf(text, sizeof text, "%d %.17g %s %f", i, i / 7.0, "word", i * 0.1);
}
static void* keep[64];
[[gnu::noinline]] void allocate_all() {
  for (int i = 0; i < 1000000; ++i) { void* volatile block = malloc(1000 + i % 3000); free(block); }
}
[[gnu::noinline]] void hold() { for (void*& block : keep) block = calloc(1, 1 << 20); }
[[gnu::noinline]] void nap() { usleep(3000); }
int main() {
  hold();
  for (int i = 0; i < 12; ++i) {
    double start = cpu();
    own_loop();
    spent[0] += cpu() - start;
    start = cpu();
    format_all();
    spent[1] += cpu() - start;
    for (int n = 0; n < 60; ++n) nap();
  }
  allocate_all();
  printf("%.4f\n", spent[0] / spent[1]);
}
C
timeout 60 "$FLARESTACK" record --quiet --clock wall -o t.flare -- ./busy >busy.out
read -r truth <busy.out
"$FLARESTACK" report --format json t.flare >report.json
json_true report.json "(lambda wins: len(wins) >= 4 and wins == sorted(wins, reverse=True))([x['win'] * (0.3 if x['confidence'] == 'possible' else 1) for x in d['findings']])" "the order of findings"
found="(lambda f: f)({x['id'] + (' ' + x['title'] if x['id'] == 'cpu.function' else ''): x for x in d['findings']})"
place="(lambda p: p['path'][0])"
json_true report.json "0.9 < $found['cpu.function own_loop()']['amount'] / $found['cpu.formatting']['amount'] / $truth < 1.1" \
  "own code and formatting are not as the program says ($truth)"
json_true report.json "$place($found['cpu.formatting']['places'][0])['function'].startswith('format_all')" "who formats"
json_true report.json "$found['cpu.formatting']['places'][0]['call'] == 'snprintf'" "by what it formats"
json_true report.json "$place($found['wait.sleep']['places'][0])['function'].startswith('nap')" "who sleeps"
json_true report.json "2.1e9 < $found['wait.sleep']['amount'] < 4e9" "for how long it sleeps"
json_true report.json "$found['memory.peak']['amount'] == 64 << 20 and $place($found['memory.peak']['places'][0])['function'].startswith('hold')" "who holds the peak"
json_true report.json "$place($found['memory.peak']['places'][0])['line'] == 17" "on which line"
"$FLARESTACK" report --format md t.flare | grep -q '\*\*sleeping\*\*' || fail "no findings in Markdown"
"$FLARESTACK" report t.flare | grep -q 'calls snprintf' || fail "no findings in the text"
"$FLARESTACK" report --metric wall t.flare | grep -q Bottlenecks && fail "who asks for a metric gets the overview"

"$FLARESTACK" record --quiet --clock wall --no-heap -o none.flare -- sh -c 'while :; do :; done & sleep 0.4; kill $!' || true
"$FLARESTACK" report --threshold 100 none.flare | grep -q 'Nothing stands out: no finding reaches 100' || fail "no word of there being nothing"
