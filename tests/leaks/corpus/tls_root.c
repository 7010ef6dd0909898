// SPDX-License-Identifier: Apache-2.0
// Held by thread-local variables of the first thread, initialised and not.
#include "corpus.h"

__thread void* zero;
static char initial;
__thread void* array[3] = {&initial, &initial, &initial};

SITE void* site_zero(void) { return malloc(12); }
SITE void* site_array(void) { return malloc(13); }
SITE void* site_overwritten(void) { return malloc(14); }

static void body(void) {
  zero = site_overwritten();
  zero = site_zero();
  for (int i = 0; i < 3; ++i) array[i] = site_array();
}

int main(void) {
  run(body);
  return 0;
}
