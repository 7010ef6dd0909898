// SPDX-License-Identifier: Apache-2.0
// A cycle that two lost blocks point into, beside a reachable one that points out of it.
#include "corpus.h"

void** global;

SITE void** site_outside(void) { return calloc(1, sizeof(void*)); }
SITE void** site_cycle(void) { return calloc(2, sizeof(void*)); }
SITE void** site_reachable(void) { return calloc(3, sizeof(void*)); }

static void body(void) {
  void** a = site_cycle();
  void** b = site_cycle();
  a[0] = b;
  b[0] = a;
  *site_outside() = a;
  *site_outside() = b;
  global = site_reachable();
  b[1] = global;
}

int main(void) {
  run(body);
  return 0;
}
