// SPDX-License-Identifier: Apache-2.0
// Held by static locals.
#include "corpus.h"

SITE void* site_cache(void) {
  static void* cache;
  if (!cache) cache = calloc(4, 25);
  return cache;
}
SITE void site_ring(void) {
  static void* volatile ring[4];
  static unsigned at;
  ring[at++ % 4] = malloc(50);
}

static void body(void) {
  site_cache();
  for (int i = 0; i < 6; ++i) site_ring();
}

int main(void) {
  run(body);
  return site_cache() == NULL;
}
