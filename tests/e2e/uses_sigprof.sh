#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that profiles itself by SIGPROF and ITIMER_PROF gets its ticks, and we get our samples.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

static volatile long ticks, sink;
static void on_tick(int number) { ticks += number == SIGPROF; }
static double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}
__attribute__((noinline)) void burn(void) {
  for (int i = 0; i < 100000; ++i) sink += i;
}
int main(void) {
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  sigaction(SIGPROF, &action, NULL);
  struct itimerval interval = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_PROF, &interval, NULL);
  double start = cpu_seconds();
  while (cpu_seconds() < start + 1) burn();
  memset(&interval, 0, sizeof interval);
  setitimer(ITIMER_PROF, &interval, NULL);
  // The kernel looks at the clock by its own tick: on a busy machine, where that finds other programs, 50 become 15.
  if (ticks < 5 || ticks > 65) printf("%ld ticks\n", ticks);
  else puts("its ticks");
  return ticks > 0 ? 7 : 1;
}
C
for timer in auto posix; do
  RECORD_OPTIONS="--timer $timer" same_with_and_without ./target
  grep -qx "its ticks" bare.out || fail "$(cat bare.out)"
  "$FLARESTACK" report --format json t.flare >t.json
  json_true t.json 'sum(f["self"] for f in d["functions"] if f["name"] == "burn") > 0.9e9' "burn took a second (timer $timer)"
done
