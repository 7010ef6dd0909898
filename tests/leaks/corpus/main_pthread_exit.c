// SPDX-License-Identifier: Apache-2.0
// The first thread ends by pthread_exit; the program ends with the last thread.
#include "ends.h"

pthread_t first;
void* global;

SITE void* site_main(void) { return malloc(71); }
SITE void* site_global(void) { return malloc(72); }
SITE void site_thread(void) { malloc(73); }

static void* thread(void* argument) {
  pthread_join(first, NULL);
  run(site_thread);
  return argument;
}
static void body(void) {
  global = site_global();
  site_main();
}

int main(void) {
  first = pthread_self();
  run(body);
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  pthread_exit(NULL);
}
