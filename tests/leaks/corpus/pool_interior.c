// SPDX-License-Identifier: Apache-2.0
// A pool to whose chunks there are pointers, but none to its start.
#include "corpus.h"

void* chunks[10];

SITE char* site_pool(void) { return calloc(64, 64); }
SITE void* site_held(void) { return malloc(17); }

static void body(void) {
  char* pool = site_pool();
  for (int i = 0; i < 10; ++i) {
    chunks[i] = pool + 64 * (i + 1);
    *(void**)chunks[i] = site_held();
  }
}

int main(void) {
  run(body);
  return 0;
}
