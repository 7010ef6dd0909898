#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 20 000 short threads, joined and detached: the program gets them all, memory does not grow with them, and what they did
# is found in the report.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static atomic_int ran;
static volatile long sink;
__attribute__((noinline)) void short_work(void) {
  for (int i = 0; i < 200000; ++i) sink += i;
}
static atomic_long work_ns;
static long cpu_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}
static void* thread(void* argument) {
  long start = cpu_ns();
  short_work();
  work_ns += cpu_ns() - start;
  ++ran;
  return argument;
}
int main(void) {
  int failed = 0;
  pthread_t ids[10];
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < 10; ++i) failed += pthread_create(&ids[i], NULL, thread, NULL) != 0;
    for (int i = 0; i < 10; ++i) i % 2 ? pthread_join(ids[i], NULL) : pthread_detach(ids[i]);
  }
  while (ran < 20000) usleep(1000);
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("%d ran, %d failed\n", ran, failed);
  fprintf(stderr, "%s\n", use.ru_maxrss < 40000 ? "small" : "large");
  FILE* truth = fopen("truth", "w");
  fprintf(truth, "%ld\n", work_ns);
  fclose(truth);
  return 0;
}
C
same_with_and_without ./target
"$FLARESTACK" report --format json --threshold 0 t.flare >t.json
json_true t.json 'd["quality"]["kernel_ns"] + sum(f["self"] for f in d["functions"] if not f["name"].startswith("[")) > 0.9 * d["total"]' \
  "samples and kernel ticks tell of nine tenths of the time"
work_ns=$(<truth)
json_true t.json "0.8 < sum(f['self'] for f in d['functions'] if f['name'] == 'short_work') / $work_ns < 1.2" "the threads' own work is $work_ns ns"
