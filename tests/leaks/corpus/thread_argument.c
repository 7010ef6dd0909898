// SPDX-License-Identifier: Apache-2.0
// Held as the argument of a running thread only, and as the result of one that nobody joined.
#include "ends.h"

SITE void* site_argument(void) { return malloc(45); }
SITE void* site_result(void) { return malloc(46); }

__attribute__((noipa)) static void* waits(void* argument) {
  (void)argument;
  scrub();
  wait_for_ever();
  return NULL;
}
static void* returns(void* argument) {
  (void)argument;
  announce_thread();
  return site_result();
}
static void body(void) {
  pthread_t id;
  pthread_create(&id, NULL, waits, site_argument());
  await_waiting(1);
  pthread_create(&id, NULL, returns, NULL);
  await_thread_end();
}

int main(void) {
  run(body);
  return 0;
}
