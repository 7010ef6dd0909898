#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a program of several threads allocates and gives back between two moments, by its own account (truth/truth.h), is what
# the recording of an attach that was there before the first and left after the last says, to the last block: by all
# of malloc's family and by new, in threads that were there and in new ones, frees of what is older than the recording included.
# Every other time it attaches and detaches while the threads allocate, which is in no account.
# ATTACH_CYCLES: how many windows (2; ./check --attach: 100). Needs ptrace.
source "$(dirname "$0")/lib.sh"
cycles="${ATTACH_CYCLES:-2}"

cxx_program window $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <atomic>
#include <new>
enum { kThreads = 4, kRounds = 3000, kOld = 100, kQueue = 32 };
SITE void* site_malloc(size_t size) { return GOT(malloc(size), size); }
SITE void* site_calloc(size_t size) { return GOT(calloc(1, size), size); }
SITE void* site_realloc(void* old, size_t size) { return REALLOC(old, size, realloc(old, size)); }
SITE void* site_of_old(void* old, size_t size) { return GOT(realloc(old, size), size); }
SITE void* site_aligned(size_t size) { void* block = nullptr; return posix_memalign(&block, 64, size) == 0 ? GOT(block, size) : nullptr; }
SITE void* site_memalign(size_t size) { return GOT(memalign(32, size), size); }
SITE void* site_new(size_t size) { return GOT(::operator new(size), size); }
SITE void* site_sent(size_t size) { return GOT(malloc(size), size); }
SITE void* site_in_new_thread(size_t size) { return GOT(malloc(size), size); }
SITE void* site_kept(size_t size) { return GOT(malloc(size), size); }
SITE void noise() { free(malloc(100)); }
SITE void old(void* (&blocks)[kOld]) { for (void*& block : blocks) block = malloc(70); }
static std::atomic<char> wish{'n'};
static std::atomic<int> turn, ready, foreign;
static struct { void* blocks[kQueue]; sem_t full, empty; } queues[kThreads];
static void* short_thread(void* argument) { give(site_in_new_thread(90)); site_in_new_thread(10); return argument; }
static void window(long me, unsigned& seed, void* (&blocks)[kOld]) {
  int next = 0;
  for (int i = 0; i < kRounds; ++i) {
    seed = seed * 1664525 + 1013904223;
    const size_t size = 1 + seed / 65536 % 500;
    void* block = i % 4 == 0 ? site_calloc(size) : i % 4 == 1 ? site_aligned(size) : i % 4 == 2 ? site_memalign(size) : site_malloc(size);
    sem_wait(&queues[me].empty);
    queues[me].blocks[i % kQueue] = site_sent(size);  // the next thread's
    sem_post(&queues[me].full);
    if (i % 3 == 0) block = site_realloc(block, size * 2);
    give(block);
    const long from = (me + 1) % kThreads;
    sem_wait(&queues[from].full);
    void* got = queues[from].blocks[i % kQueue];
    sem_post(&queues[from].empty);
    give(got);
    void* made = site_new(size);
    truth_gives(made);
    ::operator delete(made);
    if (i % 300 == 0) site_kept(size);
    if (i % 50 == 0 && next < kOld) {  // older than the window
      if (next % 2 == 0) free(blocks[next]);
      else site_of_old(blocks[next], 333);
      ++next;
      ++foreign;
    }
    if (i % 500 == 0) {
      pthread_t id;
      if (pthread_create(&id, nullptr, short_thread, nullptr) == 0) pthread_join(id, nullptr);
    }
  }
  for (; next < kOld; ++next, ++foreign) free(blocks[next]);
}
static void* works(void* argument) {
  const long me = (long)argument;
  unsigned seed = (unsigned)me * 77 + 1;
  void* blocks[kOld];
  old(blocks);
  for (int mine = 0;;) {
    const int now = turn;
    if (now == mine) {
      if (wish == 'n') noise(); else usleep(1000);
      continue;
    }
    if (wish == 'e') return argument;
    if (wish == 'w') window(me, seed, blocks);
    if (wish == 'o') old(blocks);
    mine = now;
    ++ready;
  }
}
// n: noise; s: still; o: gets blocks for the next window, which is w; e: ends.
int main() {
  pthread_t ids[kThreads];
  char answer[32], line;
  for (int i = 0; i < kThreads; ++i) { sem_init(&queues[i].full, 0, 0); sem_init(&queues[i].empty, 0, kQueue); }
  for (long i = 0; i < kThreads; ++i) pthread_create(&ids[i], nullptr, works, (void*)i);
  while (wish != 'e' && read(0, &line, 1) == 1) {
    if (line == '\n') continue;
    if (line == 'w') {
      foreign = 0;
      memset(truth_blocks, 0, sizeof truth_blocks);
      truth_open();
    }
    ready = 0;
    wish = line;
    ++turn;
    while (wish != 'e' && ready < kThreads) usleep(1000);
    if (write(1, answer, (size_t)snprintf(answer, sizeof answer, "%c %d\n", line, foreign.load())) < 0) return 1;
  }
  for (pthread_t id : ids) pthread_join(id, nullptr);
  return 4;
}
C

begin ./window
for cycle in $(seq "$cycles"); do
  margin=$([ $((cycle % 2)) = 0 ] && echo n || echo s)
  ask o
  ask "$margin"
  rm -f truth.*.*
  begin_attach "$target" --quiet --no-leak-check -o t.flare
  ask s
  ask w
  foreign=$(tail -1 out | cut -d' ' -f2)
  [ "$foreign" = 400 ] || fail "the program gave $foreign old blocks back"
  ask "$margin"
  end_attach "$target"
  # What a thread holds in the midst of noise() when it is attached to is old as well.
  python3 "$SOURCE_DIR/tests/e2e/truth/check.py" t.flare --foreign "$foreign" "$([ "$margin" = s ] && echo "$foreign" || echo $((foreign + 4)))" \
    --unknown '^noise|^calloc$|_dl_|allocate_dtv|pthread|^__cxa_thread_atexit' || fail "window $cycle ($margin) is not what the program says"
done
ask s
echo e >&3
end 4
