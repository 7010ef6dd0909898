// SPDX-License-Identifier: Apache-2.0
// Blocks that one thread allocates and another frees, all but some.
#include <pthread.h>

#include "corpus.h"

void* queue[1000];

SITE void* site_item(int i) { return malloc(8 + i % 50); }

static void produce(void) {
  for (int i = 0; i < 1000; ++i) queue[i] = site_item(i);
}
static void consume(void) {
  for (int i = 0; i < 1000; ++i) {
    if (i % 100 != 99) free(queue[i]);
    if (i % 200 != 199) queue[i] = NULL;
  }
}
static void* producer(void* argument) {
  run(produce);
  return argument;
}
static void* consumer(void* argument) {
  run(consume);
  return argument;
}
static void body(void) {
  pthread_t id;
  pthread_create(&id, NULL, producer, NULL);
  pthread_join(id, NULL);
  pthread_create(&id, NULL, consumer, NULL);
  pthread_join(id, NULL);
}

int main(void) {
  run(body);
  return 0;
}
