#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scale: functions and allocation sites that cost the same at the least size and grow by different laws are told apart, and
# their cost at a size that was not run is predicted.
source "$(dirname "$0")/lib.sh"
scale() { timeout 300 "$FLARESTACK" scale "$@"; }

cc_program grows -lm <<'C'
#include <math.h>
#include <stdlib.h>
static volatile unsigned sink;
__attribute__((noinline)) void spin(double units) {
  for (unsigned i = 0, end = units * 40000; i < end; ++i) sink = sink * 1664525 + i;
}
/* Each does 256 units at n = 16, and makes a block for each. */
#define WORK(name, units) __attribute__((noinline, noclone)) void name(double n) { \
    spin(units); for (int i = 0; i < (units); ++i) { void *volatile block = malloc(16); free(block); } }
WORK(fixed, 256 + 0 * n)
WORK(linear, 16 * n)
WORK(sorting, 4 * n * log2(n))
WORK(pairs, n * n)
int main(int count, char **arguments) {
  double n = atof(arguments[1]);
  fixed(n); linear(n); sorting(n); pairs(n);
  return 0;
}
C
cc_program grows_fast <<'C'
#include <stdlib.h>
#define SITE __attribute__((noinline, noclone)) void
SITE subsets(int n) { for (long i = 0; i < 1L << n; ++i) { void *volatile block = malloc(8); free(block); }; }
SITE triples(int n) { for (long i = 0; i < (long)n * n * n; ++i) { void *volatile block = malloc(8); free(block); }; }
SITE table(int n) { void *volatile block = malloc((size_t)n * n * 100); free(block); }
int main(int count, char **arguments) {
  int n = atoi(arguments[1]);
  subsets(n); triples(n); table(n);
  return 0;
}
C

# CPU time, by samples: what a function costs with what it calls.
scale --parameter n=16,32,64,128,256 --cpu 4000 --predict 1024 -o plot.svg --no-heap --traces traces --format json -- ./grows '{n}' >grows.json
json_true grows.json "d['schema'] == 'flarestack.scale/1' and d['sizes'] == [16, 32, 64, 128, 256]" "sizes"
law="lambda kind, key, name, cost: [f[cost]['law'] for f in d[kind] if f[key] == name]"
likely="lambda name: [f['total']['likely'] for f in d['functions'] if f['name'] == name][0]"
json_true grows.json "($law)('functions', 'name', 'fixed', 'total') == ['constant']" "fixed"
json_true grows.json "($law)('functions', 'name', 'pairs', 'total') == ['n^2']" "pairs"
# Samples are few and the clock of a busy machine is not even: between these two it may hesitate, and no further.
json_true grows.json "'n' in ($likely)('linear') and set(($likely)('linear')) <= {'n', 'n log n'}" "linear"
json_true grows.json "'n log n' in ($likely)('sorting') and set(($likely)('sorting')) <= {'n', 'n log n'}" "sorting"
json_true grows.json "[f['worse_than_whole'] for n in ('fixed', 'linear', 'sorting') for f in d['functions'] if f['name'] == n] == [False] * 3" "what grows no worse"

# Allocations are counted: every verdict is sure, and the prediction is exact.
scale --parameter n=16,32,64,128,256 --no-cpu --predict 1024 --format json -- ./grows '{n}' >counted.json
site="lambda name: [s for s in d['sites'] if s['function'] == name]"
json_true counted.json "[(s['allocations']['law'], s['allocations']['clear']) for n in ('fixed', 'linear', 'sorting', 'pairs') for s in ($site)(n)] == [('constant', True), ('n', True), ('n log n', True), ('n^2', True)]" "counted laws"
json_true counted.json "all(s['allocations']['costs'][0] == 256 for n in ('fixed', 'linear', 'sorting', 'pairs') for s in ($site)(n))" "the same cost at the least size"
json_true counted.json "[round(s['allocations']['predicted'][0]['cost'] / c, 2) for n, c in (('fixed', 256), ('linear', 16384), ('sorting', 40960), ('pairs', 1048576)) for s in ($site)(n)] == [1] * 4" "predictions"
json_true counted.json "[s['worse_than_whole'] for n in ('fixed', 'linear', 'sorting', 'pairs') for s in ($site)(n)] == [False, False, False, True]" "worse than the whole"
scale --parameter n=6,8,10,12,14,16 --no-cpu --predict 20 --format json -- ./grows_fast '{n}' >fast.json
json_true fast.json "[(s['allocations']['law'], s['allocations']['clear']) for n in ('subsets', 'triples', 'table') for s in ($site)(n)] == [('exponential', True), ('n^3', True), ('constant', True)]" "laws of counts"
json_true fast.json "[s['allocated']['law'] for s in ($site)('table')] == ['n^2']" "laws of bytes"
json_true fast.json "abs([s['allocations']['predicted'][0]['cost'] for s in ($site)('subsets')][0] / 2 ** 20 - 1) < 0.01" "the prediction"
json_true fast.json "[s['worse_than_whole'] for n in ('subsets', 'triples') for s in ($site)(n)] == [True, False]" "worse"
grep -q '<polyline points="[0-9]' plot.svg || fail "no curve in the picture"
"$FLARESTACK" info traces/256.1.flare >info.out
grep -q grows info.out || fail "no kept trace"
timeout 100 "$FLARESTACK" scale --parameter n=10,12,14,16 --no-cpu --predict 20 -- ./grows_fast '{n}' >text.out
grep -qE '^! .*exponential \([0-9]+%\).*subsets' text.out || fail "the text: $(cat text.out)"

# Too few sizes get no verdict; what fails, or is no study, one sentence.
scale --parameter n=6,8 --no-cpu --format json -- ./grows_fast '{n}' >few.json
json_true few.json "[s['allocations']['verdict'] for s in ($site)('subsets')] == ['not enough sizes']" "two sizes"
# refuses STATUS SENTENCE OPTIONS...
refuses() {
  local status=0
  scale "${@:3}" >refused.out 2>refused.err || status=$?
  [ "$status" = "$1" ] && [ "$(cat refused.err)" = "flarestack: $2" ] && [ ! -s refused.out ] || fail "${*:3}: status $status: $(cat refused.err)"
}
refuses 1 "sh -c 'exit 2': it ended with exit status 2; --ignore-failure goes on all the same" --parameter n=2,3 -- sh -c 'exit {n}'
refuses 2 "--parameter n: a size is a number above 0, not 'x'" --parameter n=1,x -- ./grows '{n}'
refuses 2 "--parameter n: the size 1 is there twice" --parameter n=1,1.0 -- ./grows '{n}'
refuses 2 "--parameter n: growth is told of several sizes" --parameter n=1 -- ./grows '{n}'
refuses 2 "--parameter n: the command has no {n}" --parameter n=1,2 -- ./grows 1
refuses 2 "with --no-cpu and --no-heap there is nothing left to record" --parameter n=1,2 --no-cpu --no-heap -- ./grows '{n}'
