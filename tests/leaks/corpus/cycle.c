// SPDX-License-Identifier: Apache-2.0
// Two blocks that hold each other, and one that holds itself.
#include "corpus.h"

SITE void** site_pair(void) { return calloc(2, sizeof(void*)); }
SITE void** site_self(void) { return calloc(3, sizeof(void*)); }

static void body(void) {
  void** one = site_pair();
  void** other = site_pair();
  one[1] = other;
  other[0] = one;
  void** self = site_self();
  self[2] = self;
}

int main(void) {
  run(body);
  return 0;
}
