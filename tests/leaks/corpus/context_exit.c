// SPDX-License-Identifier: Apache-2.0
// exit() from a context on a malloc'ed stack, while main's stack is suspended; both hold blocks.
#include "contexts.h"

SITE void* site_stack(void) { return aligned_alloc(16, 1 << 18); }
SITE void* site_held(void) { return malloc(81); }
SITE void* site_main(void) { return malloc(82); }

static void inside(void) {
  void* volatile slot = site_held();
  scrub();
  exit(slot == NULL);
}

int main(void) {
  void* volatile slot = site_main();
  enter(site_stack(), 1 << 18, inside);
  return slot == NULL;
}
