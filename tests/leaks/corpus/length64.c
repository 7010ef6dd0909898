// SPDX-License-Identifier: Apache-2.0
// memcheck's heuristic length64: a block whose first 8 bytes hold its length without them; the second is off by one.
#include "corpus.h"

void *right, *wrong;

static void* counted(uint64_t* block, uint64_t length) {
  block[0] = length;
  return block + 1;
}
SITE void* site_right(size_t size) { return malloc(size + 8); }
SITE void* site_wrong(size_t size) { return malloc(size + 8); }
SITE void* site_inside(void) { return malloc(48); }

static void body(void) {
  right = counted(site_right(160), 160);
  wrong = counted(site_wrong(160), 161);
  memset(right, 0, 160);
  *(void**)right = site_inside();
}

int main(void) {
  run(body);
  return 0;
}
