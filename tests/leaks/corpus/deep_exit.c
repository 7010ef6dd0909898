// SPDX-License-Identifier: Apache-2.0
// exit() from a deep recursion, each level of which holds a block.
#include "corpus.h"

SITE void* site_level(void) { return malloc(90); }

__attribute__((noipa)) static int level(int depth) {
  void* volatile slot = site_level();
  if (depth == 0) {
    scrub();
    exit(2);
  }
  return level(depth - 1) + (slot == NULL);
}

int main(void) { return level(200); }
