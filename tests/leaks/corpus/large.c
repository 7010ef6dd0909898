// SPDX-License-Identifier: Apache-2.0
// Blocks of their own mapping: lost, held by the start, held at their very end.
#include "corpus.h"

char *start, *end, *middle;

SITE char* site_lost(void) { return malloc(1 << 20); }
SITE char* site_start(void) { return calloc(3, 1 << 20); }
SITE char* site_end(void) { return malloc((1 << 20) + 5); }
SITE char* site_small(void) { return malloc(40); }

static void body(void) {
  site_lost()[5] = 1;
  start = site_start();
  end = site_end() + (1 << 20) + 4;
  ((void**)start)[300000] = site_small();
}

int main(void) {
  run(body);
  return 0;
}
