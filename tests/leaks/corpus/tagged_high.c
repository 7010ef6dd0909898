// SPDX-License-Identifier: Apache-2.0
// Pointers with tags in their high bits hold nothing.
#include "corpus.h"

uintptr_t tagged[3];

SITE void* site_tagged(void) { return malloc(40); }

static void body(void) {
  for (uintptr_t i = 0; i < 3; ++i) tagged[i] = (uintptr_t)site_tagged() | ((i + 1) << 56);
}

int main(void) {
  run(body);
  return 0;
}
