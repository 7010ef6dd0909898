// SPDX-License-Identifier: Apache-2.0
// Large blocks that were freed held others.
#include "corpus.h"

SITE void** site_large(void) { return calloc(1, 1 << 20); }
SITE void* site_held(void) { return malloc(40); }

static void body(void) {
  void** large = site_large();
  for (int i = 0; i < 100; ++i) large[1000 * i] = site_held();
  free(large);
}

int main(void) {
  run(body);
  return 0;
}
