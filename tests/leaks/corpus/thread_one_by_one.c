// SPDX-License-Identifier: Apache-2.0
// A hundred threads one after the other, with a block that passes from each to the next.
#include <pthread.h>

#include "corpus.h"

void* passed;

SITE void* site_passed(void) { return malloc(64); }
SITE void site_dropped(void) { malloc(32); }

static void work(void) {
  free(passed);
  passed = site_passed();
  site_dropped();
}
static void* thread(void* argument) {
  run(work);
  return argument;
}
static void body(void) {
  for (int i = 0; i < 100; ++i) {
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
  }
}

int main(void) {
  run(body);
  return 0;
}
