// SPDX-License-Identifier: Apache-2.0
// A context whose stack was lost with all that it held.
#include "contexts.h"

SITE void* site_stack(void) { return aligned_alloc(16, 1 << 16); }
SITE void* site_held(void) { return malloc(81); }

static void inside(void) {
  void* volatile slot = site_held();
  leave();
  free(slot);
}
static void body(void) {
  enter(site_stack(), 1 << 16, inside);
  memset(&context, 0, sizeof context);
}

int main(void) {
  run(body);
  return 0;
}
