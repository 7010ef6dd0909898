// SPDX-License-Identifier: Apache-2.0
// quick_exit: its own handlers free.
#include "corpus.h"

void *quick, *slow;

SITE void* site_quick(void) { return malloc(15); }
SITE void* site_slow(void) { return malloc(16); }
SITE void site_lost(void) { malloc(17); }

static void release_quick(void) {
  free(quick);
  quick = NULL;
  lsan_check();
}
static void release_slow(void) { free(slow); }
static void body(void) {
  atexit(release_slow);
  at_quick_exit(release_quick);
  quick = site_quick();
  slow = site_slow();
  site_lost();
}

int main(void) {
  run(body);
  quick_exit(8);
}
