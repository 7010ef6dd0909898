// SPDX-License-Identifier: Apache-2.0
// A malloc'ed buffer of stdout.
#include "corpus.h"

SITE char* site_buffer(void) { return malloc(1 << 14); }

static void body(void) {
  setvbuf(stdout, site_buffer(), _IOFBF, 1 << 14);
  for (int i = 0; i < 100; ++i) printf("line %d\n", i);
}

int main(void) {
  run(body);
  return 0;
}
