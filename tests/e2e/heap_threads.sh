#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The heap of many threads, to the last block (truth/truth.h): blocks that one thread gets and another gives back, a few
# addresses that eight threads fight for, 5000 short threads, and what threads' destructors get and give back when the
# agent's own state of that thread may be gone; also with a recorder that stands still while more threads end than it has slots
# for.
source "$(dirname "$0")/lib.sh"

cc_program threads $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <pthread.h>
#include <semaphore.h>
enum { kThreads = 8, kRounds = 4000, kQueue = 64 };
SITE void* site_own(size_t size) { return GOT(malloc(size), size); }
SITE void* site_sent(size_t size) { return GOT(malloc(size), size); }
SITE void* site_grown(void* old, size_t size) { return REALLOC(old, size, realloc(old, size)); }
SITE void* site_kept(size_t size) { return GOT(calloc(1, size), size); }
static struct { void* blocks[kQueue]; sem_t full, empty; } queues[kThreads];
static void* thread(void* argument) {
  const long me = (long)argument;
  unsigned seed = (unsigned)me * 77 + 1;
  for (int i = 0; i < kRounds; ++i) {
    seed = seed * 1664525 + 1013904223;
    void* block = site_own(1 + seed / 65536 % 100);
    sem_wait(&queues[me].empty);
    queues[me].blocks[i % kQueue] = site_sent(1 + seed / 65536 % 200);  // the next thread's
    sem_post(&queues[me].full);
    give(block);
    const long from = (me + 1) % kThreads;
    sem_wait(&queues[from].full);
    void* got = queues[from].blocks[i % kQueue];
    sem_post(&queues[from].empty);
    if (i % 3 == 0) got = site_grown(got, 1 + seed / 65536 % 600);
    give(got);
    give(site_own(16));
  }
  site_kept(100 + (size_t)me);
  return NULL;
}
int main(void) {
  pthread_t ids[kThreads];
  for (int i = 0; i < kThreads; ++i) { sem_init(&queues[i].full, 0, 0); sem_init(&queues[i].empty, 0, kQueue); }
  for (long i = 0; i < kThreads; ++i) pthread_create(&ids[i], NULL, thread, (void*)i);
  for (int i = 0; i < kThreads; ++i) pthread_join(ids[i], NULL);
  return 0;
}
C
thread_start='^calloc$|_dl_|allocate_dtv|pthread|^__cxa_thread_atexit'  # what glibc gets for a thread
heap_truth --unknown "$thread_start" -- ./threads

cc_program hammer $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <pthread.h>
SITE void* site_hammered(void) { return GOT(malloc(40), 40); }
static void* mailbox[4];  // whoever takes a block out gives it back: addresses go round between threads at once
static void* thread(void* argument) {
  for (long i = 0; i < 20000; ++i) {
    void* other = __atomic_exchange_n(&mailbox[i % 4], site_hammered(), __ATOMIC_ACQ_REL);
    if (other != NULL) give(other);
  }
  return argument;
}
int main(void) {
  pthread_t ids[8];
  for (int i = 0; i < 8; ++i) pthread_create(&ids[i], NULL, thread, NULL);
  for (int i = 0; i < 8; ++i) pthread_join(ids[i], NULL);
  return 0;
}
C
MALLOC_ARENA_MAX=1 GLIBC_TUNABLES=glibc.malloc.tcache_count=0 heap_truth --unknown "$thread_start" -- ./hammer

# The address that a thread got last may be another allocation by the time it frees it: nothing here is temporary.
cc_program same_address $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <pthread.h>
#include <semaphore.h>
SITE void* site_other(void) { return GOT(malloc(40), 40); }
SITE void* site_mine(void) { return GOT(malloc(40), 40); }
static sem_t turn_other, turn_main;
static void* block;
static void* other(void* argument) {
  for (int i = 0; i < 100; ++i) {
    sem_wait(&turn_other);
    void* was = block;
    give(block);
    block = site_other();
    if (block != was) _exit(3);  // the thread's cache gives it back at once
    sem_post(&turn_main);
  }
  return argument;
}
int main(void) {
  sem_init(&turn_other, 0, 0);
  sem_init(&turn_main, 0, 0);
  pthread_t id;
  pthread_create(&id, NULL, other, NULL);
  for (int i = 0; i < 100; ++i) {
    block = site_mine();
    sem_post(&turn_other);
    sem_wait(&turn_main);
    give(block);
  }
  pthread_join(id, NULL);
  return 0;
}
C
heap_truth --unknown "$thread_start" -- ./same_address

cxx_program storm $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <pthread.h>
SITE void* site_in_thread(size_t size) { return GOT(malloc(size), size); }
SITE void* site_in_key_destructor(size_t size) { return GOT(malloc(size), size); }
SITE void* site_in_thread_local(size_t size) { return GOT(malloc(size), size); }
static pthread_key_t key;
struct Local {
  void* block = nullptr;
  ~Local() {
    give(site_in_thread_local(33));
    give(block);
  }
};
static thread_local Local local;
static void at_end(void* value) {  // after the thread_locals' destructors, and twice
  give(value);
  static thread_local int round;
  if (round++ == 0) pthread_setspecific(key, site_in_key_destructor(44));
}
static void* thread(void* argument) {
  local.block = site_in_thread(10);
  pthread_setspecific(key, site_in_thread(20));
  give(site_in_thread(30));
  if ((long)argument % 100 == 0) site_in_thread(40);
  return argument;
}
int main() {
  pthread_key_create(&key, at_end);
  for (long i = 0; i < 5000; i += 5) {
    pthread_t ids[5];
    for (int j = 0; j < 5; ++j) pthread_create(&ids[j], nullptr, thread, (void*)(i + j));
    for (int j = 0; j < 5; ++j) pthread_join(ids[j], nullptr);
  }
}
C
heap_truth --unknown "$thread_start|^libstdc" -- ./storm

# The recorder stands still for 0.3 s of every 0.4 s.
(
  while sleep 0.1; do
    recorder=$(pgrep -P "$(pgrep -P $$ -x timeout)" -x flarestack) || continue
    kill -STOP "$recorder" || continue  # ended since
    sleep 0.3
    kill -CONT "$recorder" && touch stood_still
  done
) 2>/dev/null &
stopper=$!
trap 'kill "$stopper" || true; rm -rf "$scratch"' EXIT
heap_truth --unknown "$thread_start|^libstdc" -- ./storm
"$FLARESTACK" info --format json t.flare >i.json
json_true i.json 'd["quality"]["counters"].get("threads_without_slot", 0) == 0' "threads without a slot"
[ -e stood_still ] || fail "the recorder never stood still"
