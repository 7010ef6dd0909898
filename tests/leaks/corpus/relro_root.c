// SPDX-License-Identifier: Apache-2.0
// Held by a page of a read-only segment that the program wrote and protected again.
#include <sys/mman.h>

#include "corpus.h"

static const uintptr_t constants[1024] __attribute__((aligned(4096), used)) = {1};

SITE void* site_block(void) { return malloc(100); }

static void body(void) {
  void** page = (void**)(uintptr_t)constants;
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
  page[7] = site_block();
  mprotect(page, 4096, PROT_READ);
}

int main(void) {
  run(body);
  return 0;
}
