#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Once a recording has ended by --duration, or its recorder was killed, the program stops paying for its allocations: a
# pair costs a small part of the thread's CPU time that it cost before. Without CPU samples, which would tell as well.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static double cpu(void) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static time_t wall(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec; }
__attribute__((noinline)) static double pairs(int depth, int count) {
  if (depth > 0) { double result = pairs(depth - 1, count); __asm__ volatile("" ::: "memory"); return result; }
  double before = cpu();
  for (int i = 0; i < count; ++i) { void* block = malloc(64); __asm__ volatile("" : : "r"(block) : "memory"); free(block); }
  return cpu() - before;
}
int main(void) {
  double recorded = 1e9, now = 1e9;
  for (int i = 0; i < 5; ++i) { now = pairs(100, 20000); if (now < recorded) recorded = now; }
  puts("begun"); fflush(stdout);
  time_t end = wall() + 60;
  do { now = pairs(100, 20000); } while (now > recorded / 2 && wall() < end);
  puts(now > recorded / 2 ? "still paying" : "free");
  return 7;
}
C

ends() {  # WHAT
  [ "$(cat out)" = $'begun\nfree' ] || fail "$1: $(cat out err)"
}

status=0
timeout 100 "$FLARESTACK" record --quiet --no-cpu --duration 1s -o t.flare -- ./target >out 2>err || status=$?
[ "$status" -eq 7 ] || fail "exit status: $(cat err)"
ends "after --duration"

timeout 100 "$FLARESTACK" record --quiet --no-cpu -o t.flare -- ./target >out 2>err &
recorder=$!
for _ in $(seq 600); do grep -q begun out && break; read -rt 0.1 <> <(:) || true; done
record_pid=$(pgrep -P "$recorder" -x flarestack || echo "$recorder")
target_pid=$(pgrep -P "$record_pid" -x target)
kill -9 "$record_pid"
for _ in $(seq 800); do kill -0 "$target_pid" 2>/dev/null || break; read -rt 0.1 <> <(:) || true; done
ends "after the recorder was killed"
