// SPDX-License-Identifier: Apache-2.0
// Held by an array on the stack of a size that is known at run time.
#include <alloca.h>

#include "corpus.h"

SITE void* site_held(void) { return malloc(41); }

__attribute__((noipa)) static void fill(int count) {
  void* volatile* array = alloca(count * sizeof(void*));
  for (int i = 0; i < count; ++i) array[i] = i % 10 ? NULL : site_held();
  scrub();
  exit(array[10] == NULL);
}

int main(int argc, char** argv) {
  (void)argv;
  fill(5000 * argc);
}
