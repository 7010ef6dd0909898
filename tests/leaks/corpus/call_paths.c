// SPDX-License-Identifier: Apache-2.0
// One site by several call paths, of which some lose and some keep.
#include "corpus.h"

void* kept[8];

SITE void* site_make(size_t size) { return malloc(size); }
SITE void* through_a(int i) { return site_make(i % 2 ? 10 : 20); }
SITE void* through_b(int i) { return through_a(i); }
SITE void* recursive(int depth) { return depth ? recursive(depth - 1) : site_make(70); }

static void body(void) {
  for (int i = 0; i < 8; ++i) {
    through_a(i);
    kept[i] = through_b(i);
    recursive(i);
  }
}

int main(void) {
  run(body);
  return 0;
}
