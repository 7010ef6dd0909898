// SPDX-License-Identifier: Apache-2.0
// A suspended context on a malloc'ed stack holds a block.
#include "contexts.h"

SITE void* site_stack(void) { return aligned_alloc(16, 1 << 16); }
SITE void* site_held(void) { return malloc(81); }
SITE void* site_main(void) { return malloc(82); }

static void inside(void) {
  void* volatile slot = site_held();
  leave();
  free(slot);
}

int main(void) {
  void* volatile slot = site_main();
  enter(site_stack(), 1 << 16, inside);
  scrub();
  exit(slot == NULL);
}
