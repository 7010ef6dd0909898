// SPDX-License-Identifier: Apache-2.0
// Two lost parents share a child; another child is shared with a reachable parent.
#include "corpus.h"

void** global;

SITE void** site_parent(void) { return calloc(2, sizeof(void*)); }
SITE void** site_child(void) { return calloc(3, sizeof(void*)); }
SITE void** site_reachable(void) { return calloc(4, sizeof(void*)); }

static void body(void) {
  void** child = site_child();
  void** held = site_reachable();
  for (int i = 0; i < 2; ++i) {
    void** parent = site_parent();
    parent[0] = child;
    parent[1] = held;
  }
  global = site_reachable();
  global[3] = held;
}

int main(void) {
  run(body);
  return 0;
}
