// SPDX-License-Identifier: Apache-2.0
// Pointers with tags in their low bits are interior pointers.
#include "corpus.h"

uintptr_t tagged[4];

SITE void* site_tagged(void) { return malloc(40); }

static void body(void) {
  for (uintptr_t i = 0; i < 4; ++i) tagged[i] = (uintptr_t)site_tagged() | i;
}

int main(void) {
  run(body);
  return 0;
}
