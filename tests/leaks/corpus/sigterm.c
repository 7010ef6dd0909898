// SPDX-License-Identifier: Apache-2.0
// Ended by a signal whose default it is to end the program.
#include <signal.h>

#include "corpus.h"

void* kept;

SITE void* site_kept(void) { return malloc(25); }
SITE void site_lost(void) { malloc(26); }

static void body(void) {
  kept = site_kept();
  site_lost();
}

int main(void) {
  run(body);
  lsan_check();
  raise(SIGTERM);
  return 0;
}
