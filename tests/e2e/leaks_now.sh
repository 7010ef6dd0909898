#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# leaks --now PID, over and over, on a program of many threads: the verdicts are those of the moment, and the program
# does not notice: no call is interrupted, no thread stands still, the output is the same. Also at the end of a recording
# whose program goes on.
source "$(dirname "$0")/lib.sh"

cc_program server <<'C'
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
static volatile int stop;
static char* kept[1000];
static long rounds[3];
__attribute__((noinline)) void* site_lost(size_t size) { return memset(malloc(size), 1, size); }
static void* waits_for_events(void* argument) {
  struct epoll_event event;
  const int descriptor = epoll_create1(0);
  while (!stop) if (epoll_wait(descriptor, &event, 1, 50) < 0) printf("epoll_wait: %d\n", errno);
  return argument;
}
static void* waits_for_bytes(void* argument) {
  int pair[2];
  char byte;
  struct timeval limit = {0, 50000};
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  while (!stop) if (recv(pair[0], &byte, 1, 0) >= 0 || errno != EAGAIN) printf("recv: %d\n", errno);
  return argument;
}
static void* works(void* argument) {
  unsigned seed = (unsigned)(long)argument + 1;
  while (!stop) {
    seed = seed * 1664525 + 1013904223;
    free(__atomic_exchange_n(&kept[seed / 65536 % 1000], malloc(seed % 300), __ATOMIC_ACQ_REL));
    __atomic_add_fetch(&rounds[(long)argument], 1, __ATOMIC_RELAXED);
  }
  return argument;
}
int main(void) {
  pthread_t ids[5];
  for (long i = 0; i < 3; ++i) pthread_create(&ids[i], NULL, works, (void*)i);
  pthread_create(&ids[3], NULL, waits_for_events, NULL);
  pthread_create(&ids[4], NULL, waits_for_bytes, NULL);
  for (int i = 0; i < 2; ++i) site_lost(100);
  char line[10];
  while (fgets(line, sizeof line, stdin) != NULL) {  // one line a question, which is whether all have worked since
    long before[3], moved = 0;
    for (int i = 0; i < 3; ++i) before[i] = __atomic_load_n(&rounds[i], __ATOMIC_RELAXED);
    for (int tries = 0; tries < 2000 && moved != 3; ++tries) {
      usleep(1000);
      moved = 0;
      for (int i = 0; i < 3; ++i) moved += __atomic_load_n(&rounds[i], __ATOMIC_RELAXED) > before[i];
    }
    printf("%ld work\n", moved);
    fflush(stdout);
  }
  stop = 1;
  for (int i = 0; i < 5; ++i) pthread_join(ids[i], NULL);
  puts("done");
  return 5;
}
C

mkfifo questions
timeout 150 "$FLARESTACK" record --quiet -o t.flare -- ./server <questions >out 2>err &
recorder=$!
exec 3>questions
ask() { # until the program has answered so often
  echo >&3
  for _ in $(seq 1000); do [ "$(grep -c 'work$' out)" -ge "$1" ] && return; read -rt 0.01 <> <(:) || true; done
  fail "no answer: $(cat out err)"
}
ask 1
server=$(pgrep -P "$(pgrep -P "$recorder" -x flarestack)" -x server)
for round in $(seq 15); do
  timeout 60 "$FLARESTACK" leaks --now "$server" --format json >now.json || fail "leaks --now: round $round"
  json_true now.json '[(s["blocks"], s["bytes"]) for s in d["sites"] if s["stack"][0]["function"] == "site_lost" and s["verdict"] == "definitely_lost"] == [(2, 200)]' "round $round"
  json_true now.json 'd["summary"]["definitely_lost"] == {"bytes": 200, "blocks": 2} and d["summary"]["still_reachable"]["blocks"] > 900' "round $round"
  ask $((round + 1))
done
exec 3>&-
status=0
wait "$recorder" || status=$?
[ "$status" = 5 ] || fail "status $status: $(cat out err)"
[ "$(sort -u out | tr '\n' ' ')" = "3 work done " ] || fail "the program noticed: $(sort out | uniq -c)"
"$FLARESTACK" info --records t.flare >records
[ "$(grep -c '^leak_check .* problem=""' records)" = 16 ] || fail "checks: $(grep leak_check records)"

# A recorder that stood still for so long that frees were lost: what was allocated before has no verdict, and no block
# that was freed is called lost.
timeout 150 "$FLARESTACK" record --quiet -o t.flare -- ./server <questions >out 2>err &
recorder=$!
exec 3>questions
ask 1
record_pid=$(pgrep -P "$recorder" -x flarestack)
server=$(pgrep -P "$record_pid" -x server)
kill -STOP "$record_pid"
sleep 3
kill -CONT "$record_pid"
ask 2
timeout 60 "$FLARESTACK" leaks --now "$server" --format json >now.json || fail "leaks --now after a standstill"
json_true now.json 'd["summary"]["definitely_lost"]["blocks"] == 0 and d["summary"]["indirectly_lost"]["blocks"] == 0' "after a standstill"
json_true now.json 'd["checks"][0]["partial"] and "events were lost" in d["checks"][0]["problem"]' "after a standstill"
exec 3>&-
status=0
wait "$recorder" || status=$?
[ "$status" = 5 ] || fail "status $status: $(cat out err)"

# A recording that ends before its program.
cc_program stays <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((noinline)) void* site_lost(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) void scrub(void) { volatile char dead[8192]; for (unsigned i = 0; i < sizeof dead; ++i) dead[i] = 0; }
int main(void) {
  site_lost(77);
  scrub();  // the dead part of the stack, which later calls have as theirs
  for (int i = 0; i < 20; ++i) usleep(100000);
  puts("done");
  return 3;
}
C
status=0
"$FLARESTACK" record --quiet --duration 500ms -o t.flare -- ./stays >out 2>err || status=$?
[ "$status" = 3 ] && [ "$(cat out)" = "done" ] || fail "status $status: $(cat out err)"
"$FLARESTACK" leaks --format json t.flare >i.json
json_true i.json 'd["summary"]["definitely_lost"] == {"bytes": 77, "blocks": 1}' "at the end of the recording"

# A program that is killed while it is looked at: what was not reached by then is not called lost.
cc_program large <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
enum { kBlocks = 1000000 };
struct node { struct node *left, *right; char rest[104]; };
static struct node** all;
int main(void) {
  all = malloc(kBlocks * sizeof *all);
  for (int i = 0; i < kBlocks; ++i) all[i] = calloc(1, sizeof **all);
  for (int i = 1; i < kBlocks; ++i) *(i % 2 ? &all[(i - 1) / 2]->left : &all[(i - 1) / 2]->right) = all[i];
  puts("ready"); fflush(stdout);
  for (;;) pause();
}
C
for delay in 0.02 0.05 0.1 0.2; do
  timeout 100 "$FLARESTACK" record --quiet --no-cpu -o t.flare -- ./large >out 2>err &
  recorder=$!
  for _ in $(seq 500); do grep -q ready out && break; read -rt 0.1 <> <(:) || true; done
  large=$(pgrep -P "$(pgrep -P "$recorder" -x flarestack)" -x large)
  timeout 60 "$FLARESTACK" leaks --now "$large" >now.out 2>now.err &
  asker=$!
  sleep "$delay"
  kill -9 "$large"
  status=0
  wait "$recorder" || status=$?
  [ "$status" = 137 ] || fail "killed while it was looked at: status $status: $(cat err)"
  wait "$asker" || true
  "$FLARESTACK" leaks --format json t.flare >i.json
  json_true i.json 'd["summary"]["definitely_lost"]["blocks"] == 0 and d["summary"]["indirectly_lost"]["blocks"] == 0' "killed after $delay s"
done

# Who cannot be asked.
for pid in $$ 999999999; do
  status=0
  "$FLARESTACK" leaks --now "$pid" >out 2>err || status=$?
  [ "$status" = 1 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "--now $pid: status $status: $(cat out err)"
done
