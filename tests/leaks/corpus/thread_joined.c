// SPDX-License-Identifier: Apache-2.0
// Threads that leaked and were joined.
#include <pthread.h>

#include "corpus.h"

SITE void site_thread(void) { malloc(120); }
SITE void** site_holder(void) { return calloc(2, sizeof(void*)); }
SITE void* site_held(void) { return malloc(30); }

static void leak(void) {
  for (int i = 0; i < 10; ++i) site_thread();
  *site_holder() = site_held();
}
static void* thread(void* argument) {
  run(leak);
  return argument;
}
static void body(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, thread, NULL);
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
}

int main(void) {
  run(body);
  return 0;
}
