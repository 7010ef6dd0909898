// SPDX-License-Identifier: Apache-2.0
// _exit: neither atexit handlers nor destructors run.
#include <unistd.h>

#include "corpus.h"

void* kept;

SITE void* site_kept(void) { return malloc(15); }
SITE void site_lost(void) { malloc(16); }

static void release(void) { free(kept); }
static void body(void) {
  atexit(release);
  kept = site_kept();
  site_lost();
}

int main(void) {
  run(body);
  lsan_check();
  _exit(6);
}
