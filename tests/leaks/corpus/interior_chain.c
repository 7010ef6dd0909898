// SPDX-License-Identifier: Apache-2.0
// What only a possibly lost block leads to is possibly lost; what also a reachable one does is reachable.
#include "corpus.h"

char* interior;
void* reachable;

SITE void** site_possible(void) { return calloc(8, sizeof(void*)); }
SITE void** site_child(void) { return calloc(2, sizeof(void*)); }
SITE void** site_shared(void) { return calloc(3, sizeof(void*)); }

static void body(void) {
  void** block = site_possible();
  block[7] = site_child();
  *(void**)block[7] = site_child();
  block[0] = reachable = site_shared();
  interior = (char*)block + 8;
}

int main(void) {
  run(body);
  return 0;
}
