// SPDX-License-Identifier: Apache-2.0
// Held by the live stack of another thread that still waits when the program ends.
#include "ends.h"

SITE void* site_slot(void) { return malloc(45); }
SITE void* site_deeper(void) { return malloc(46); }
SITE void site_dead(void) {
  void* volatile slot = malloc(47);
  (void)slot;
}

static void leak(void) { site_dead(); }
__attribute__((noipa)) static void deeper(void) {
  void* volatile slots[200] = {NULL};
  slots[17] = site_deeper();
  wait_for_ever();
}
static void* thread(void* argument) {
  void* volatile slot = site_slot();
  run(leak);
  deeper();
  return slot == argument ? NULL : slot;
}
static void body(void) {
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  await_waiting(1);
}

int main(void) {
  run(body);
  return 0;
}
