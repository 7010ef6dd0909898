// SPDX-License-Identifier: Apache-2.0
// Held by memory that was unmapped, and by one that was mapped anew in its place.
#include <sys/mman.h>

#include "corpus.h"

SITE void* site_unmapped(void) { return malloc(100); }
SITE void* site_replaced(void) { return malloc(200); }

static void** map(void* at, int flags) {
  return mmap(at, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void body(void) {
  void** unmapped = map(NULL, 0);
  void** replaced = map(NULL, 0);
  unmapped[3] = site_unmapped();
  replaced[3] = site_replaced();
  munmap(unmapped, 8192);
  map(replaced, MAP_FIXED);
}

int main(void) {
  run(body);
  return 0;
}
