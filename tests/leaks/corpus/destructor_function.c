// SPDX-License-Identifier: Apache-2.0
// A destructor of the program's own, which runs last, frees; constructors allocate.
#include "corpus.h"

void *freed, *kept;

SITE void* site_freed(void) { return malloc(15); }
SITE void* site_kept(void) { return malloc(16); }
SITE void site_lost(void) { malloc(17); }

__attribute__((constructor)) static void constructor(void) {
  freed = site_freed();
  kept = site_kept();
  run(site_lost);
}
__attribute__((destructor)) static void destructor(void) { free(freed); }

int main(void) { return 0; }
