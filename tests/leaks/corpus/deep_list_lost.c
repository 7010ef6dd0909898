// SPDX-License-Identifier: Apache-2.0
// A lost chain of 100000 nodes.
#include "corpus.h"

SITE void** site_node(void* next) {
  void** node = malloc(24);
  node[0] = NULL;
  node[1] = next;
  return node;
}

static void body(void) {
  void* list = NULL;
  for (int i = 0; i < 100000; ++i) list = site_node(list);
}

int main(void) {
  run(body);
  return 0;
}
