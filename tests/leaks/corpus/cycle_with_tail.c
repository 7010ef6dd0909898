// SPDX-License-Identifier: Apache-2.0
// A lost block that leads into a cycle, from which a tail leads out.
#include "corpus.h"

SITE void** site_entry(void) { return calloc(1, sizeof(void*)); }
SITE void** site_cycle(void) { return calloc(2, sizeof(void*)); }
SITE void** site_tail(void) { return calloc(3, sizeof(void*)); }

static void body(void) {
  void** entry = site_entry();
  void** cycle[3] = {site_cycle(), site_cycle(), site_cycle()};
  for (int i = 0; i < 3; ++i) cycle[i][0] = cycle[(i + 1) % 3];
  entry[0] = cycle[1];
  cycle[2][1] = site_tail();
}

int main(void) {
  run(body);
  return 0;
}
