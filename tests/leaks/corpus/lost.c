// SPDX-License-Identifier: Apache-2.0
// Blocks of three sites whose pointers are gone.
#include "corpus.h"

SITE void site_one(void) { malloc(40); }
SITE void site_three(void) {
  for (int i = 0; i < 3; ++i) malloc(100);
}
SITE void* site_freed(void) { return malloc(64); }

static void body(void) {
  site_one();
  site_three();
  free(site_freed());
}

int main(void) {
  run(body);
  puts("done");
  return 3;
}
