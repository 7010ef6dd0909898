// SPDX-License-Identifier: Apache-2.0
// A pool in one block of malloc's, known by its start; its chunks hold blocks.
#include "corpus.h"

char* pool;

SITE char* site_pool(void) { return calloc(64, 64); }
SITE void* site_held(void) { return malloc(17); }

static void body(void) {
  pool = site_pool();
  for (int i = 0; i < 64; i += 2) *(void**)(pool + 64 * i + 8) = site_held();
}

int main(void) {
  run(body);
  return 0;
}
