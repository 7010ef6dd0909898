// SPDX-License-Identifier: Apache-2.0
// posix_memalign, aligned_alloc, memalign, valloc; two of them held by the start of the block.
#define _GNU_SOURCE
#include <malloc.h>

#include "corpus.h"

void *kept, *page;

SITE void* site_posix(void) {
  void* block = NULL;
  return posix_memalign(&block, 64, 100) == 0 ? block : NULL;
}
SITE void* site_aligned(void) { return aligned_alloc(256, 512); }
SITE void* site_memalign(void) { return memalign(4096, 33); }
SITE void* site_valloc(void) { return valloc(5); }

static void body(void) {
  for (int i = 0; i < 4; ++i) {
    kept = site_posix();
    site_aligned();
    page = site_memalign();
    site_valloc();
  }
}

int main(void) {
  run(body);
  return 0;
}
