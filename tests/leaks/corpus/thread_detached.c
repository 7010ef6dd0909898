// SPDX-License-Identifier: Apache-2.0
// A detached thread that leaked and is gone.
#include "ends.h"

SITE void site_thread(void) { malloc(120); }

static void leak(void) {
  for (int i = 0; i < 5; ++i) site_thread();
}
static void* thread(void* argument) {
  announce_thread();
  run(leak);
  return argument;
}
static void body(void) {
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  pthread_detach(id);
  await_thread_end();
}

int main(void) {
  run(body);
  return 0;
}
