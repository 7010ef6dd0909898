// SPDX-License-Identifier: Apache-2.0
// A lost block that points to a reachable one is lost alone.
#include "corpus.h"

void* global;

SITE void* site_reachable(void) { return malloc(30); }
SITE void site_lost(void) {
  void** lost = malloc(20 * sizeof(void*));
  for (int i = 0; i < 20; ++i) lost[i] = global;
}

static void body(void) {
  global = site_reachable();
  site_lost();
}

int main(void) {
  run(body);
  return 0;
}
