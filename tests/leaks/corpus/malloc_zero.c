// SPDX-License-Identifier: Apache-2.0
// Blocks of no bytes: lost, and held by a pointer to their start.
#include "corpus.h"

void* kept[3];

SITE void* site_lost(void) { return malloc(0); }
SITE void* site_kept(void) { return malloc(0); }
SITE void* site_calloc(void) { return calloc(0, 8); }

static void body(void) {
  for (int i = 0; i < 3; ++i) {
    site_lost();
    kept[i] = site_kept();
  }
  site_calloc();
}

int main(void) {
  run(body);
  return 0;
}
