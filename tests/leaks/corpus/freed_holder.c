// SPDX-License-Identifier: Apache-2.0
// Freed memory holds nothing, whatever is still written in it.
#include "corpus.h"

void** kept;

SITE void** site_holder(void) { return calloc(64, sizeof(void*)); }
SITE void* site_held(void) { return malloc(90); }

static void body(void) {
  kept = site_holder();
  for (int i = 0; i < 64; ++i) kept[i] = site_held();
  free(kept);
}

int main(void) {
  run(body);
  return 0;
}
