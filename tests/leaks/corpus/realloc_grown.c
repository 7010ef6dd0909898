// SPDX-License-Identifier: Apache-2.0
// Blocks that realloc moved, shrank and grew in place.
#include "corpus.h"

void* kept;

SITE void* site_first(void) { return malloc(30); }
SITE void* site_grown(void* block) { return realloc(block, 100000); }
SITE void* site_shrunk(void* block) { return realloc(block, 10); }
SITE void* site_from_null(void) { return realloc(NULL, 77); }

static void body(void) {
  site_grown(site_first());
  kept = site_grown(site_first());
  site_shrunk(site_first());
  site_first();
  site_from_null();
}

int main(void) {
  run(body);
  return 0;
}
