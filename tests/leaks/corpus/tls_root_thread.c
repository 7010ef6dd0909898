// SPDX-License-Identifier: Apache-2.0
// Held by thread-local variables of a thread that runs, and of one that ended.
#include "ends.h"

__thread void* local;

SITE void* site_running(void) { return malloc(12); }
SITE void* site_ended(void) { return malloc(13); }

static void set_running(void) { local = site_running(); }
static void set_ended(void) { local = site_ended(); }
static void* runs(void* argument) {
  run(set_running);
  wait_for_ever();
  return argument;
}
static void* ends(void* argument) {
  run(set_ended);
  return argument;
}
static void body(void) {
  pthread_t id;
  pthread_create(&id, NULL, ends, NULL);
  pthread_join(id, NULL);
  pthread_create(&id, NULL, runs, NULL);
  await_waiting(1);
}

int main(void) {
  run(body);
  return 0;
}
