// SPDX-License-Identifier: Apache-2.0
// Pointers that are only kept encrypted hold nothing, though the program frees one of the blocks at its end.
#include "corpus.h"

uintptr_t one, other;

SITE void* site_hidden(void) { return malloc(33); }

static void body(void) {
  one = hidden((uintptr_t)site_hidden());
  other = hidden((uintptr_t)site_hidden());
}

int main(void) {
  run(body);
  free((void*)hidden(one));
  scrub();
  return 0;
}
