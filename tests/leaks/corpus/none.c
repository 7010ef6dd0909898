// SPDX-License-Identifier: Apache-2.0
// Everything is freed.
#include "corpus.h"

SITE void* site_freed(size_t size) { return malloc(size); }

static void body(void) {
  void* blocks[10];
  for (int i = 0; i < 10; ++i) blocks[i] = site_freed(10 * i);
  for (int i = 0; i < 10; ++i) free(blocks[i]);
}

int main(void) {
  run(body);
  puts("none");
  return 0;
}
