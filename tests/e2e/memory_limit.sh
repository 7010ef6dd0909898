#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Resource limits of the shell, down to almost nothing: the program does what it does without us, and is recorded or listed
# with the reason.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
static volatile unsigned long sink;
static void burn(void) {
  struct timespec from, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  do {
    for (int i = 0; i < 10000; ++i) sink = sink * 31 + 7;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < 60);
}
static void* thread(void* argument) { burn(); return argument; }
int main(void) {
  const int limits[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING, RLIMIT_FSIZE, RLIMIT_STACK, RLIMIT_CORE};
  for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; ++i) {
    struct rlimit limit;
    getrlimit(limits[i], &limit);
    printf("%d: %ld %ld\n", limits[i], (long)limit.rlim_cur, (long)limit.rlim_max);
  }
  burn();
  int started = 0;
  for (int i = 0; i < 3; ++i) {
    pthread_t id;
    if (pthread_create(&id, NULL, thread, NULL) == 0) { ++started; pthread_join(id, NULL); }
  }
  printf("%d threads\n", started);
  int opened[64], count = 0;  // lowest free descriptors: none of ours is in the way
  while (count < 64 && (opened[count] = open("/dev/null", O_RDONLY)) >= 0) ++count;
  printf("%d descriptors, first %d: %s\n", count, count ? opened[0] : -1, count < 64 ? strerror(errno) : "");
  void* block = malloc(200000);
  printf("%d\n", block != NULL);
  return 12;
}
C
# limited ULIMIT...: the program under that limit. MUST_RECORD=1: it is recorded, else it may be listed instead.
limited() {
  same_with_and_without sh -c "ulimit $* && exec ./target"
  grep -q "threads" bare.out || fail "ulimit $*: $(cat bare.out bare.err)"
  "$FLARESTACK" info --format json t.flare >i.json
  json_true i.json 'd["quality"]["complete"]' "ulimit $*"
  local recorded='[p["exit"] for p in d["processes"] if p["program"] == "target"] == [12]'
  if [ "${MUST_RECORD:-0}" = 1 ]; then
    json_true i.json "$recorded" "ulimit $*: recorded"
    # Each thread is sampled, or its time is counted as not sampled.
    json_true i.json 'abs(d["quality"]["accounted_cpu_ns"] - d["quality"]["cpu_ns"]) <= 0.05 * d["quality"]["cpu_ns"] + 5e6' "ulimit $*: CPU time"
  else
    json_true i.json "$recorded or any(\"target\" in p[\"command\"] for p in d[\"not_recorded\"])" "ulimit $*: neither recorded nor listed"
  fi
}
for limit in "-n 64" "-f 8" "-c 0" "-s 512" "-l 0"; do MUST_RECORD=1 limited "$limit"; done
for limit in "-n 8" "-n 5" "-n 4" "-v 400000" "-v 100000" "-v 50000" "-v 20000" "-d 1000"; do limited "$limit"; done
# As limits of everything, the recorder included.
for limit in "-n 64" "-l 0" "-i 0" "-u 1" "-s 512"; do
  # shellcheck disable=SC2086  # words
  (ulimit -S $limit && MUST_RECORD=1 limited "-c 0") || fail "everything under ulimit $limit"
done
