// SPDX-License-Identifier: Apache-2.0
// Lost blocks of 100 KB and of 3 MB hold others in their first, middle and last words.
#include "corpus.h"

SITE void** site_long(void) { return calloc(100000 / 8, 8); }
SITE void** site_mapped(void) { return calloc(3000000 / 8, 8); }
SITE void* site_in_long(void) { return malloc(50); }
SITE void* site_in_mapped(void) { return malloc(60); }

static void body(void) {
  void* held[2][9];
  for (int i = 0; i < 9; ++i) {
    held[0][i] = site_in_long();
    held[1][i] = site_in_mapped();
  }
  void** block = site_long();
  void** mapped = site_mapped();
  for (int i = 0; i < 9; ++i) {
    block[(100000 / 8 - 1) * i / 8] = held[0][i];
    mapped[(3000000 / 8 - 1) * i / 8] = held[1][i];
  }
}

int main(void) {
  run(body);
  return 0;
}
