// SPDX-License-Identifier: Apache-2.0
// realloc to no bytes frees.
#include "corpus.h"

void* result;

SITE void* site_block(void) { return malloc(100); }

static void body(void) {
  for (int i = 0; i < 3; ++i) result = realloc(site_block(), 0);
  site_block();
}

int main(void) {
  run(body);
  return result != NULL;
}
