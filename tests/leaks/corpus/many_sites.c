// SPDX-License-Identifier: Apache-2.0
// Twenty sites of as many sizes, every third of them reachable.
#include "corpus.h"

void* kept[20];

#define SITES(x) \
  x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15) x(16) x(17) x(18) x(19)
#define DEFINE(i) \
  SITE void* site_##i(void) { return malloc(10 * i + 1); }
SITES(DEFINE)
#define NAME(i) site_##i,
static void* (*const sites[])(void) = {SITES(NAME)};

static void body(void) {
  for (int i = 0; i < 20; ++i) {
    for (int k = 0; k <= i; ++k) {
      void* block = sites[i]();
      if (i % 3 == 0 && k == 0) kept[i] = block;
    }
  }
}

int main(void) {
  run(body);
  return 0;
}
