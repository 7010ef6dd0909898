#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `top` without a terminal prints text or lines of JSON, -n of them, or until the process ends; with -o the trace stays, and is
# one like any other; what cannot be watched is said in one sentence.
source "$(dirname "$0")/lib.sh"

cxx_program target <<'CC'
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>
#include <vector>
volatile unsigned long sink;
#define OWN __attribute__((noinline))
void* volatile block;
OWN void hot_spin() { for (int i = 0; i < 300000; ++i) sink = sink + i; }
OWN void churn() { block = malloc(100); free(block); }
int main() {
  std::thread worker([] { pthread_setname_np(pthread_self(), "churner"); for (;;) { hot_spin(); churn(); } });
  if (getchar() == 'x') _exit(5);
}
CC
mkfifo orders
mkdir tmp
export TMPDIR="$PWD/tmp"
./target <orders &
target=$!
exec 3>orders

"$FLARESTACK" top "$target" -n 2 --interval 700ms >text
[ "$(grep -c 'FUNCTION$' text)" = 2 ] && [ "$(grep -c 'ALLOCATED IN$' text)" = 2 ] || fail "not two refreshes: $(cat text)"
grep -qE '[0-9.]+% .* hot_spin\(\)  target' text && grep -qE ' churner$' text || fail "$(cat text)"
! grep -q $'\033' text || fail "control sequences in a file: $(cat -v text)"

"$FLARESTACK" top "$target" --format json -n 3 -o kept.flare >lines
[ "$(wc -l <lines)" = 3 ] || fail "not three lines: $(cat lines)"
tail -1 lines >last.json
json_true last.json 'd["schema"] == "flarestack.top/1" and not d["ended"] and d["processes"][0]["pid"] == '"$target" "the process"
json_true last.json 'next(f for f in d["functions"] if f["name"] == "hot_spin()")["now_self"] > 0.8 * d["now_total"]' "the hot function"
json_true last.json '[t["name"] for t in d["threads"]][0] == "churner" and d["threads"][0]["cpu"] > 0' "the busy thread"
json_true last.json 'd["sites"][0]["name"] == "churn()" and d["sites"][0]["allocations_per_s"] > 0 and d["sites"][0]["live_bytes"] <= 200' "the site"
json_true last.json 'd["quality"]["samples"] > 0 and d["quality"]["heap_events"] > 0 and d["rss_bytes"] > 0' "the quality"
"$FLARESTACK" info --format json kept.flare >i.json
json_true i.json 'd["quality"]["complete"] and d["quality"]["samples"] >= '"$(json last.json 'd["quality"]["samples"]')" "the trace that stays"

# Until the process ends, which it is told to do meanwhile.
"$FLARESTACK" top "$target" --format json --interval 200ms >lines &
top=$!
for _ in $(seq 400); do
  [ "$(wc -l <lines)" -ge 2 ] && break
  read -rt 0.1 <> <(:) || true
done
echo x >&3
wait "$top" || fail "top ended with $?: $(tail -1 lines)"
tail -1 lines >last.json
json_true last.json 'd["ended"] and d["processes"][0]["ended"]' "the end"
status=0
wait "$target" || status=$?
[ "$status" = 5 ] || fail "the process ended with $status"
[ -z "$(ls tmp)" ] || fail "left behind: $(ls tmp)"

status=0
"$FLARESTACK" top "$target" -n 1 >out 2>err || status=$?
[ "$status" = 1 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] || fail "a process that is gone: $status, $(cat out err)"
[ -z "$(ls tmp)" ] || fail "left behind: $(ls tmp)"
