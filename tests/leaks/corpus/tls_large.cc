// SPDX-License-Identifier: Apache-2.0
// Held by the middle of a large thread-local array, of two threads.
#include "ends.h"

thread_local void* table[20000];

SITE void* site_first() { return malloc(77); }
SITE void* site_second() { return malloc(78); }

static void fill_first() {
  for (int i = 0; i < 20000; i += 1000) table[i] = site_first();
}
static void fill_second() {
  for (int i = 500; i < 20000; i += 1000) table[i] = site_second();
}
static void* thread(void* argument) {
  run(fill_second);
  wait_for_ever();
  return argument;
}

int main() {
  run(fill_first);
  pthread_t id;
  pthread_create(&id, nullptr, thread, nullptr);
  await_waiting(1);
  scrub();
  return 0;
}
