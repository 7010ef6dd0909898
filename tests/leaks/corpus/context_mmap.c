// SPDX-License-Identifier: Apache-2.0
// A suspended context on a mapped stack holds a block.
#include <sys/mman.h>

#include "contexts.h"

SITE void* site_held(void) { return malloc(81); }
SITE void site_dead(void) { malloc(83); }

static void inside(void) {
  void* volatile slot = site_held();
  run(site_dead);
  leave();
  free(slot);
}
static void body(void) {
  enter(mmap(NULL, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 17, inside);
}

int main(void) {
  run(body);
  return 0;
}
