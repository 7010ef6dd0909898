#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# record --timeout: a program that hangs is ended, with its children, and the report says where all of its threads were.
source "$(dirname "$0")/lib.sh"

# run STATUS OPTIONS...: records so, which takes less than a minute, and must end with that status.
run() {
  local status=0
  timeout 100 "$FLARESTACK" record --summary summary.txt -o t.flare "${@:2}" >out 2>err </dev/null || status=$?
  [ "$status" = "$1" ] || fail "status $status, not $1: $* $(cat err)"
}
report() { timeout 60 "$FLARESTACK" report --format json t.flare >report.json; }
# stack FUNCTION...: threads whose stack has all of these, the innermost first, in a state.
stacks() {
  json report.json "sum(len(s['threads']) for s in d['timeout']['stacks'] if s['state'] == '$1' and (lambda fs: all(f in fs for f in '${*:2}'.split()) and [f for f in fs if f in '${*:2}'.split()][:$(($# - 1))] == '${*:2}'.split())([f['function'] for f in s['stack']]))"
}

cc_program deadlock <<'PROGRAM'
#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t both;
__attribute__((noinline)) void take_second(int first) { pthread_mutex_lock(&locks[!first]); pthread_mutex_unlock(&locks[!first]); }
__attribute__((noinline)) void take_first(int first) {
  pthread_mutex_lock(&locks[first]);
  pthread_barrier_wait(&both);
  take_second(first);
  pthread_mutex_unlock(&locks[first]);
}
static void* worker(void* first) { take_first(first != NULL); return NULL; }
int main(void) {
  pthread_t threads[2];
  pthread_barrier_init(&both, NULL, 2);
  for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, worker, i ? &both : NULL);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
}
PROGRAM
run 124 --timeout 500ms -- ./deadlock
report
[ "$(stacks sleeping take_second take_first worker)" = 2 ] || fail "the deadlock: $(json report.json "d['timeout']")"
[ "$(stacks sleeping main)" = 1 ] || fail "main: $(json report.json "d['timeout']")"
json_true report.json "[len(s['threads']) for s in d['timeout']['stacks']] == [2, 1] and d['timeout']['limit_ns'] == 500000000 and d['timeout']['region'] == ''" "groups"
json_true report.json "d['timeout']['time_ns'] >= 500000000" "the time"
grep -q 'time ran out after 500 ms' summary.txt && grep -q take_second summary.txt || fail "summary: $(cat summary.txt)"
timeout 60 "$FLARESTACK" report t.flare >report.txt
grep -q '2 threads, sleeping: ' report.txt && grep -q take_second report.txt || fail "text: $(cat report.txt)"

# One that runs, one that sleeps in read, in a child that must end too; and who will not go is killed.
cc_program stuck <<'PROGRAM'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static volatile unsigned long sink;
__attribute__((noinline)) void spin(void) { for (;;) ++sink; }
__attribute__((noinline)) void wait_for_input(int from) { char byte; if (read(from, &byte, 1) >= 0) sink = 1; }
int main(int argc, char** argv) {
  int ends[2];
  if (argc > 1) signal(SIGTERM, SIG_IGN);
  if (pipe(ends) != 0) return 1;
  pid_t child = fork();
  if (child == 0) wait_for_input(ends[0]);
  if (child == 0) return 0;
  FILE* pid = fopen("child.pid", "w");
  fprintf(pid, "%d\n", child);
  fclose(pid);
  spin();
}
PROGRAM
run 124 --timeout 700ms -- ./stuck
report
[ "$(stacks running spin main)" = 1 ] && [ "$(stacks sleeping wait_for_input main)" = 1 ] || fail "stuck: $(json report.json "d['timeout']")"
timeout 10 tail --pid="$(cat child.pid)" -f /dev/null || fail "the child lives on"
run 137 --timeout 300ms -- ./stuck stubborn
timeout 10 tail --pid="$(cat child.pid)" -f /dev/null || fail "the stubborn child lives on"

# What ends in time is as ever.
run 3 --timeout 1h -- sh -c 'exit 3'
report
json_true report.json "'timeout' not in d" "no timeout"

# A region that is open for too long, of a program that could go on; one that comes and goes is not.
cat >regions.c <<'PROGRAM'
#include <time.h>
#include "flarestack.h"
static void nap(long ms) { struct timespec t = {ms / 1000, ms % 1000 * 1000000}; nanosleep(&t, NULL); }
__attribute__((noinline)) void slow_step(void) { nap(60000); }
int main(void) {
  for (int i = 0; i < 10; ++i) {
    flarestack_token step = flarestack_begin("step");
    nap(100);
    flarestack_end(step);
  }
  flarestack_token step = flarestack_begin("step");
  slow_step();
  flarestack_end(step);
}
PROGRAM
gcc -std=gnu99 -O1 -g -I"$SOURCE_DIR/include" regions.c -o regions
run 124 --timeout 1h --timeout step=500ms --timeout other=1ms -- ./regions
report
json_true report.json "d['timeout']['region'] == 'step' and d['timeout']['time_ns'] > 1400000000" "a region's time"
[ "$(stacks sleeping slow_step main)" = 1 ] || fail "slow_step: $(json report.json "d['timeout']")"
json_true report.json "[(r['calls'], r['unfinished']) for r in d['regions']] == [(11, 1)]" "calls"

for bad in x step= =1s step=1y; do
  run 2 --timeout "$bad" -- ./regions
  grep -q -- '--timeout' err || fail "$bad: $(cat err)"
done
