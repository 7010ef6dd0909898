#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What perf recorded reads the same here as there: each function's own time is what `perf report` says, threads and
# processes have their names, and all commands work on the trace.
source "$(dirname "$0")/lib.sh"

cxx_program work -fno-omit-frame-pointer <<'CODE'
#include <pthread.h>
#include <unistd.h>
volatile unsigned long sink;
template <typename T> __attribute__((noinline)) void spin(T n) { for (T i = 0; i < n; ++i) sink = sink + i * i; }
namespace { __attribute__((noinline)) void nested(int depth) { spin<long>(30'000'000); if (depth) nested(depth - 1); } }
void* work(void*) { pthread_setname_np(pthread_self(), "work er 2"); spin<unsigned>(60'000'000); return nullptr; }
int main() {
  pthread_t thread;
  pthread_create(&thread, nullptr, work, nullptr);
  nested(2);
  for (int i = 0; i < 200'000; ++i) getppid();
  pthread_join(thread, nullptr);
}
CODE
timeout 100 perf record -q -e cpu-clock -F 1000 -g -o perf.data ./work 2>perf.err || fail "perf record: $(cat perf.err)"
timeout 100 perf script --header -F +pid --no-inline -i perf.data >perf.txt 2>perf.err || fail "perf script: $(cat perf.err)"
timeout 100 perf report -i perf.data --no-children --stdio -g none --percent-limit 0 -F period,sym -t '|' >perf.report 2>perf.err ||
  fail "perf report: $(cat perf.err)"

timeout 100 "$FLARESTACK" import perf.txt -o t.flare >/dev/null
timeout 100 "$FLARESTACK" report --format json --threshold 0 t.flare >report.json
python3 - perf.report report.json <<'PYTHON'
import collections, json, sys
perf = collections.Counter()
for line in open(sys.argv[1]):
    if line.strip() and not line.startswith("#"):
        period, symbol = line.strip().split("|", 1)
        symbol = symbol.strip().split(" ", 1)[1]  # "[.] name"
        perf["[unknown]" if symbol.startswith("0x") else symbol] += int(period)
ours = collections.Counter()
for function in json.load(open(sys.argv[2]))["functions"]:
    ours[function["name"]] += function["self"]
ours = collections.Counter({name: self for name, self in ours.items() if self})
assert perf["spin<long>"] > 10_000_000 and perf["spin<unsigned int>"] > 10_000_000, perf
assert perf == ours, (perf - ours, ours - perf)
PYTHON

timeout 100 "$FLARESTACK" info --format json t.flare >info.json
json_true info.json 'd["imported_from"] == "perf script"' "where it came from"
json_true info.json 'd["processes"][0]["program"] == "work" and d["processes"][0]["pid"] > 0' "the process"
json_true info.json 'd["command"][-1] == "./work" and d["host"] != ""' "the head of perf script"
json_true info.json 'd["quality"]["samples_dropped"] is None and d["quality"]["complete"] is None' "nothing is claimed"
timeout 100 "$FLARESTACK" report --thread "work er 2" t.flare >thread.txt
grep -q 'spin<unsigned int>' thread.txt || fail "the thread's time: $(cat thread.txt)"

# A part of the time, and the rest of it, are all of it.
half=$(json info.json 'd["duration_ns"] // 2')
total() { "$FLARESTACK" report --format json "$@" t.flare >part.json && json part.json 'd["total"]'; }
whole=$(total)
first=$(total --to "${half}ns")
rest=$(total --from "${half}ns")
[ "$first" -gt 0 ] && [ "$rest" -gt 0 ] || fail "times: $first and $rest of $whole"
[ $((first + rest - whole)) -ge -1000 ] && [ $((first + rest - whole)) -le 1000 ] || fail "$first + $rest are not $whole"

timeout 100 "$FLARESTACK" tree t.flare >tree.txt && grep -q nested tree.txt
timeout 100 "$FLARESTACK" flamegraph t.flare -o t.svg && grep -q nested t.svg
timeout 100 "$FLARESTACK" export --format collapsed t.flare >t.txt && grep -q 'main;.*nested;spin<long> ' t.txt

# From a pipe, and without pids.
timeout 100 perf script -i perf.data --no-inline 2>/dev/null | "$FLARESTACK" import - -o piped.flare >/dev/null
timeout 100 "$FLARESTACK" info piped.flare >info.txt
grep -q '+pid' info.txt || fail "the missing pids are no note: $(cat info.txt)"
