#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program in a pid namespace of its own, as in a container, whose thread numbers are not those that /proc shows outside:
# every thread is followed to its end, under its name, through a thousand short ones. Needs to make namespaces: root, or
# user namespaces for everybody.
source "$(dirname "$0")/lib.sh"

cc_program target <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static volatile long sink;
__attribute__((noinline)) static void hot_in_thread(long rounds) {
  for (long i = 0; i < rounds; ++i) sink += i;
}
static void* named(void* argument) {
  pthread_setname_np(pthread_self(), "worker-bee");
  hot_in_thread(1000000000);
  struct timespec used;  // what it says of itself
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  FILE* file = fopen("used_ns", "w");
  fprintf(file, "%ld\n", used.tv_sec * 1000000000L + used.tv_nsec);
  fclose(file);
  return argument;
}
static void* brief(void* argument) {
  hot_in_thread(50000);
  return argument;
}
int main(void) {
  pthread_t worker, other;
  pthread_create(&worker, NULL, named, NULL);
  for (int i = 0; i < 1500; ++i) {
    pthread_create(&other, NULL, brief, NULL);
    pthread_join(other, NULL);
  }
  pthread_join(worker, NULL);
  printf("%d\n", getpid());
  return 0;
}
C
apart=(unshare --pid --fork --mount-proc)
[ "$(id -u)" = 0 ] || apart+=(--user --map-root-user)
same_with_and_without "${apart[@]}" ./target
grep -qx 1 bare.out || fail "not in a namespace of its own: $(cat bare.out)"
"$FLARESTACK" info --format json t.flare >info.json
"$FLARESTACK" report --format json t.flare >report.json
json_true info.json "d['quality']['counters'].get('threads', 0) >= 1500" "threads"
json_true info.json "sum(d['quality']['counters'].get(name, 0) for name in ('threads_without_slot', 'threads_without_agent', 'damaged_records')) == 0" \
  "threads that were missed"
used_ns="$(cat used_ns)"
json_true report.json "0.9 < sum(t['self'] for f in d['functions'] if f['name'] == 'hot_in_thread' for t in f['threads'] if t['name'] == 'worker-bee') / $used_ns < 1.1" \
  "the named thread, which used $used_ns ns"
