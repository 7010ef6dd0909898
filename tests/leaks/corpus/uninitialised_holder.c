// SPDX-License-Identifier: Apache-2.0
// A block whose memory was a freed holder's before, and was not written since.
#include "corpus.h"

void** second;

SITE void** site_first(void) { return malloc(512); }
SITE void** site_second(void) { return malloc(512); }
SITE void* site_held(void) { return malloc(90); }

static void body(void) {
  void** first = site_first();
  for (int i = 0; i < 64; ++i) first[i] = NULL;
  first[40] = site_held();
  free(first);
  second = site_second();
}

int main(void) {
  run(body);
  return 0;
}
