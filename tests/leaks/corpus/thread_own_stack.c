// SPDX-License-Identifier: Apache-2.0
// A thread on a stack that the program malloc'ed, which holds blocks while it waits.
#include "ends.h"

void* stack;

SITE void* site_stack(void) { return aligned_alloc(4096, 1 << 18); }
SITE void* site_slot(void) { return malloc(50); }

static void* thread(void* argument) {
  void* volatile slots[3] = {argument, site_slot(), NULL};
  wait_for_ever();
  return slots[1];
}
static void body(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  stack = site_stack();
  pthread_attr_setstack(&attributes, stack, 1 << 18);
  pthread_t id;
  pthread_create(&id, &attributes, thread, NULL);
  pthread_attr_destroy(&attributes);
  await_waiting(1);
}

int main(void) {
  run(body);
  return 0;
}
