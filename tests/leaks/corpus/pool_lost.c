// SPDX-License-Identifier: Apache-2.0
// A lost pool: what its chunks hold is indirectly lost.
#include "corpus.h"

SITE char* site_pool(void) { return calloc(16, 64); }
SITE void* site_held(void) { return malloc(19); }

static void body(void) {
  char* pool = site_pool();
  for (int i = 0; i < 16; ++i) *(void**)(pool + 64 * i + 56) = site_held();
}

int main(void) {
  run(body);
  return 0;
}
