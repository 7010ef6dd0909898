// SPDX-License-Identifier: Apache-2.0
// Held by a mapping to which nothing points any more: mappings are roots by themselves.
#include <sys/mman.h>

#include "corpus.h"

SITE void* site_block(void) { return malloc(100); }

static void body(void) {
  void** mapped = mmap(NULL, 1 << 14, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mapped[9] = site_block();
}

int main(void) {
  run(body);
  return 0;
}
