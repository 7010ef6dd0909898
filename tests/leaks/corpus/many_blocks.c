// SPDX-License-Identifier: Apache-2.0
// 50000 lost blocks of one site among 50000 that are freed.
#include "corpus.h"

void* kept[50000];

SITE void* site_block(int i) { return malloc(16 + i % 100); }

static void body(void) {
  for (int i = 0; i < 50000; ++i) {
    site_block(i);
    kept[i] = site_block(i);
  }
  for (int i = 0; i < 50000; ++i) {
    free(kept[i]);
    kept[i] = NULL;
  }
}

int main(void) {
  run(body);
  return 0;
}
