// SPDX-License-Identifier: Apache-2.0
// A mapping that was grown and moved, and one cut in half.
#define _GNU_SOURCE
#include <sys/mman.h>

#include "corpus.h"

void **moved, **halved;

SITE void* site_moved(void) { return malloc(100); }
SITE void* site_kept_half(void) { return malloc(200); }
SITE void* site_lost_half(void) { return malloc(300); }

static void body(void) {
  moved = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  moved[511] = site_moved();
  moved = mremap(moved, 4096, 1 << 20, MREMAP_MAYMOVE);
  halved = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  halved[0] = site_kept_half();
  halved[1000] = site_lost_half();
  munmap((char*)halved + 4096, 4096);
}

int main(void) {
  run(body);
  return moved[511] == NULL;
}
