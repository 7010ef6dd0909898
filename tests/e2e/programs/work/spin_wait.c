// flags: -O2 -pthread
// quotes: ^(mov|cmp|jne)
// SPDX-License-Identifier: Apache-2.0
// shows: waits for another thread in a loop that looks again and again. looks_like: a loop that loads, compares and
// goes on as long as it does not find what it looks for, in other places each time.
#include <pthread.h>
#include <stdatomic.h>

#include "work.h"

static _Atomic int turn;
static int numbers[1 << 16];

FUNCTION void shows(int wanted) {
  while (atomic_load_explicit(&turn, memory_order_acquire) != wanted) {
  }
}

FUNCTION const int* looks_like(const int* each, int wanted) {
  while (*(const volatile int*)each != wanted) ++each;
  return each;
}

static void* worker(void* argument) {
  for (int i = 1; i < 40; i += 2) {
    shows(i);
    for (double end = cpu_seconds() + 0.04; cpu_seconds() < end;) sink += i;
    atomic_store(&turn, i + 1);
  }
  return argument;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, worker, NULL);
  for (int i = 0; i < 40; i += 2) {
    shows(i);
    for (double end = cpu_seconds() + 0.04; cpu_seconds() < end;) sink += i;
    atomic_store(&turn, i + 1);
  }
  pthread_join(thread, NULL);
  numbers[(1 << 16) - 1] = 7;
  RUN(sink += looks_like(numbers, 7) - numbers)
}
