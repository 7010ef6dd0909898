// SPDX-License-Identifier: Apache-2.0
// A thread calls exit() while the first one waits, with blocks on the stacks of both.
#include "ends.h"

SITE void* site_main(void) { return malloc(61); }
SITE void* site_thread(void) { return malloc(62); }
SITE void site_lost(void) { malloc(63); }

static void* thread(void* argument) {
  void* volatile slot = site_thread();
  run(site_lost);
  await_waiting(1);
  exit(slot == argument ? 1 : 5);
}

int main(void) {
  void* volatile slot = site_main();
  run(site_lost);
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  scrub();
  wait_for_ever();
  return slot != NULL;
}
