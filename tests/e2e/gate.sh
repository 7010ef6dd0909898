#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# gate: exit status and words for what holds, is above a limit, is more than the baseline, or cannot be measured; each verdict names
# the call path; a config that makes no sense, or a baseline that is half-written, is refused, and nothing stored is lost.
source "$(dirname "$0")/lib.sh"

cc_program worker <<'C'
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) long burn(long rounds) {
  volatile long sum = 0;
  for (long i = 0; i < rounds * 1000000; ++i) sum += i;
  return sum;
}
__attribute__((noinline)) char* keep(long size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void lose(long count) {
  for (long i = 0; i < count; ++i) __asm__ volatile("" : : "r"(keep(100)) : "memory");
}
static char* kept;
int main(int count, char** words) {
  if (count < 4) return 3;
  burn(atol(words[1]));
  kept = keep(atol(words[2]));
  lose(atol(words[3]));
  return kept == 0 || getenv("FAIL") != 0;
}
C
gate() {
  local status=0
  timeout 120 "$FLARESTACK" gate "$@" >out 2>err || status=$?
  echo "$status"
}
# config COMMAND-ARGUMENTS, then lines of the step
config() {
  printf '[gate]\nruns = 3\nwarmup = 0\n\n[[step]]\nname = "work"\ncommand = [%s]\n' "$1" >flarestack.toml
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >>flarestack.toml
}
expect() { [ "$(gate "${@:2}")" = "$1" ] || fail "gate ${*:2} is not $1: $(cat out err)"; }
says() { grep -q -- "$1" out || fail "not said: $1: $(cat out err)"; }

# Absolute budgets.
config '"./worker", "20", "100000", "0"' 'wall_time = { target = "1ms", maximum = "100s" }' 'peak_heap = { maximum = "1MiB" }' \
  'allocations = { maximum = 1 }' '[[step.function]]' 'name = "burn"' 'target = "1%"'
expect 0
says '^  above target  wall_time .* target 1ms, maximum 100s$'
says '^  ok            peak_heap  *97.7 KiB  maximum 1MiB$'
says '97.7 KiB most in keep < main < '
says '^  above target  share of burn '
says 'most in burn < main < '
says '^The gate holds.$'
config '"./worker", "1", "2000000", "3"' 'peak_heap = { maximum = "1MiB" }' 'leaked_bytes = { maximum = 200 }' 'allocations = { maximum = 4 }'
expect 2
grep -q '^flarestack: flarestack.toml:9: maximum = 200 has no unit' err || fail "$(cat err)"
sed -i 's/maximum = 200/maximum = "200B"/' flarestack.toml
expect 1 --format json
json_true out '[v["outcome"] for v in d["steps"][0]["verdicts"]] == ["above_maximum", "holds", "above_maximum"]' "verdicts"
json_true out 'd["schema"] == "flarestack.gate/1" and not d["holds"]' "the whole"
json_true out 'd["steps"][0]["verdicts"][2]["cause"]["path"][-2:] == ["lose", "keep"] and d["steps"][0]["verdicts"][2]["value"] == 300' "who loses"

# Against a baseline: none is not measured; the same holds; what grew is named with its path.
config '"./worker", "1", "1000", "100"'
expect 1
says 'NOT MEASURED  peak_heap '
says 'there is no baseline of it; `flarestack gate --update-baseline` stores one'
expect 0 --update-baseline
[ -s flarestack-baseline.json ] || fail "no baseline"
config '"./worker", "1", "1000", "103"' 'leaked_bytes = { maximum = "+2%" }' 'peak_heap = { maximum = "+5%" }' 'allocations = { target = "+0%" }'
expect 1
says '^  FAILED        leaked_bytes   10.1 KiB  expected 9.77 KiB (+3.0%), maximum +2% or noise: 9.96 KiB$'
says '^  *+300 B more in keep < lose < main < '
says '^  ok            peak_heap '
says '^  above target  allocations '
expect 1 --format markdown
says '^| FAILED | leaked\\_bytes | 10.1 KiB |'
# A time that is many times what it was; the noise of this machine is not.
config '"./worker", "400", "1000", "100"' 'cpu_time = { maximum = "+50%" }'
expect 1
says '^  FAILED        cpu_time '
says 'more in burn < main < '

# A baseline that was cut off is refused, and stays until a new one is asked for; a failed gate stores nothing of the step.
cp flarestack-baseline.json whole.json
head -c 700 whole.json >flarestack-baseline.json
expect 1 --update-baseline
grep -q '^flarestack: .*flarestack-baseline.json:[0-9]*: the baseline is damaged or half-written: ' err || fail "$(cat err)"
[ "$(head -c 700 whole.json | cksum)" = "$(cksum <flarestack-baseline.json)" ] || fail "the baseline has changed"
cp whole.json flarestack-baseline.json
config '"./worker", "1", "1000", "100"' 'environment = { FAIL = "1" }'
expect 1 --update-baseline
says 'NOT MEASURED  run 1 of `./worker` ended with status 1'
python3 -c 'import json; a, b = (json.load(open(f)) for f in ("whole.json", "flarestack-baseline.json")); assert a == b'
config '"./is-not-there"'
expect 1
says 'NOT MEASURED  run ./is-not-there: No such file or directory'
expect 2 --step nosuch
expect 2 --config nosuch.toml
[ "$(wc -l <err)" = 1 ] || fail "$(cat err)"

# Parts of a run that the program names, each a step of its own.
cat >named.c <<'C'
#include <stdlib.h>
#include <string.h>
#include "flarestack.h"
__attribute__((noinline)) char* keep(long size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) long burn(long rounds) {
  volatile long sum = 0;
  for (long i = 0; i < rounds * 1000000; ++i) sum += i;
  return sum;
}
int main(int count, char** words) {
  flarestack_token load = flarestack_begin("load");
  char* kept = 0;
  for (long i = 0; i < 3; ++i) {
    flarestack_token parse = flarestack_begin("parse");
    free(keep(1000));
    kept = keep(atol(words[1]));
    burn(atol(words[2]));
    flarestack_end(parse);
  }
  flarestack_end(load);
  return kept == 0;
}
C
gcc -O1 -g -Wall -fno-builtin -I"$SOURCE_DIR/include" named.c -o named
named() { # ARGUMENTS, then lines
  config '"./named", '"$1" 'peak_heap = { maximum = "1MiB" }' '[[step.region]]' 'name = "load/parse"' "${@:2}"
}
named '"100", "10"' 'calls = { maximum = 3 }' 'live_delta_bytes = { maximum = "299B" }' 'allocated_bytes = { maximum = "3300B" }' \
  'peak_heap = { maximum = "1000B" }' 'cpu_time = { maximum = "1ms" }' '[[step.region]]' 'name = "load"' 'self_cpu_time = { maximum = "1s" }' \
  'wall_time = { target = "1us" }'
expect 1 --format json
json_true out '[s["name"] for s in d["steps"]] == ["work", "work:load/parse", "work:load"]' "regions are steps"
json_true out '{v["metric"]: (v["outcome"], v["value"]) for v in d["steps"][1]["verdicts"] if v["metric"] != "cpu_time"} == {"peak_heap": ("holds", 1000), "allocated_bytes": ("holds", 3300), "live_delta_bytes": ("above_maximum", 300), "calls": ("holds", 3)}' "a region's numbers"
json_true out '[v["outcome"] for v in d["steps"][1]["verdicts"] if v["metric"] == "cpu_time"] == ["above_maximum"]' "a region's time"
json_true out '[v["cause"]["path"][-1] for v in d["steps"][1]["verdicts"] if v["metric"] in ("cpu_time", "live_delta_bytes")] == ["burn", "keep"]' "who is responsible in it"
json_true out '[v["outcome"] for v in d["steps"][2]["verdicts"]] == ["above_target", "holds"]' "the other one"
named '"100", "1"' 'allocated_bytes = { maximum = "+1%" }'
expect 0 --new-baseline
expect 0
named '"200", "1"' 'allocated_bytes = { maximum = "+1%" }'
expect 1
says '^work:load/parse '
says '^  FAILED        allocated_bytes   3.52 KiB  expected 3.22 KiB (+9.1%), maximum +1% or noise: 3.25 KiB$'
says '^  *+300 B more in keep < main < '
named '"100", "1"' 'calls = { maximum = 3 }' '[[step.region]]' 'name = "prase"'
expect 1
says "NOT MEASURED  the program named no region 'prase'"

# The sessions before may be those of a history.
config '"./worker", "1", "1000", "100"' 'leaked_bytes = { maximum = "+0%" }'
sed -i 's/^runs = 3/runs = 3\nhistory = "history.db"/' flarestack.toml
expect 1
says 'there is no baseline of it'
for _ in 1 2 3; do expect 0 --update-baseline; done
expect 0
says ' 3 sessions before'
sed -i 's/"100"/"101"/' flarestack.toml
expect 1
says '^  *+100 B more in keep < lose < main < '
"$FLARESTACK" history list --database history.db --format json >list.json
json_true list.json '[(r["kind"], r["step"]) for r in d["results"]] == [("gate", "work")] * 3' "the history"
expect 2 --new-baseline
head -c 3000 history.db >half.db && mv half.db history.db
expect 1
grep -q '^flarestack: .*history.db: ' err || fail "$(cat err)"

# What makes no sense: one sentence with the line, exit status 2.
refuses() { # PATTERN LINES...
  config '"./worker"' "${@:2}"
  expect 2
  [ "$(wc -l <err)" = 1 ] || fail "$(cat err)"
  grep -q "^flarestack: flarestack.toml:[0-9]*: $1" err || fail "not $1: $(cat err)"
}
refuses "unknown key 'wall_tine' in \[\[step\]\]; did you mean 'wall_time'?" 'wall_tine = { maximum = "1s" }'
refuses "unknown key 'max' in wall_time" 'wall_time = { max = "1s" }'
refuses 'maximum = "5 parsecs": ' 'wall_time = { maximum = "5 parsecs" }'
refuses 'maximum = "500": it has no unit' 'wall_time = { maximum = "500" }'
refuses 'maximum = "64MiB": ' 'wall_time = { maximum = "64MiB" }'
refuses 'maximum = "+x%": what is relative' 'cpu_time = { maximum = "+x%" }'
refuses 'peak_heap has neither a target nor a maximum' 'peak_heap = { }'
refuses 'a function without a name' '[[step.function]]' 'maximum = "5%"'
refuses "step 'two' has no command" '[[step]]' 'name = "two"'
refuses "a second step of the name 'work'" '[[step]]' 'name = "work"' 'command = ["true"]'
refuses "unknown key 'leaked_bytes' in \[\[step.region\]\]" '[[step.region]]' 'name = "a"' 'leaked_bytes = { maximum = 1 }'
refuses 'a region without a name' '[[step.region]]' 'calls = { maximum = 1 }'
refuses "a second region of the name 'a'" '[[step.region]]' 'name = "a"' '[[step.region]]' 'name = "a"'
refuses 'runs is to be a number from 1' 'runs = 0'
refuses '' 'wall_time = {'
printf '[gate]\n' >flarestack.toml
expect 2
