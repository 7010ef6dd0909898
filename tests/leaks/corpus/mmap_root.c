// SPDX-License-Identifier: Apache-2.0
// Held by memory that the program mapped: anonymous, private and shared.
#include <sys/mman.h>

#include "corpus.h"

void **mapped, **shared;

SITE void* site_private(void) { return malloc(100); }
SITE void* site_shared(void) { return malloc(200); }

static void body(void) {
  mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  shared = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mapped[70000] = site_private();
  shared[8191] = site_shared();
}

int main(void) {
  run(body);
  return 0;
}
