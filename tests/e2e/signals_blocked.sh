#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A thread pool that blocks all signals, in main before it starts its threads and again in each of them, is sampled as
# another one is.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static volatile long sink;
static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}
__attribute__((noinline)) void hot_in_thread(void) {
  for (int i = 0; i < 100000; ++i) sink += i;
}
static void* worker(void* argument) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (cpu_seconds() < 0.4) hot_in_thread();
  printf("%d %d %d\n", sigismember(&before, SIGTERM), sigismember(&before, SIGSTKFLT), sigismember(&before, SIGTRAP));
  return argument;
}
int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, worker, NULL);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  return 0;
}
C
for timer in auto perf-io posix; do
  RECORD_OPTIONS="--timer $timer" same_with_and_without ./target
  grep -qx "1 1 1" bare.out || fail "$(cat bare.out)"
  "$FLARESTACK" report --format json t.flare >t.json
  json_true t.json 'sum(f["self"] for f in d["functions"] if f["name"] == "hot_in_thread") > 1.1e9' "three threads of 0.4 s ($timer)"
done
