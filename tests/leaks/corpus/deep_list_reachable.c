// SPDX-License-Identifier: Apache-2.0
// A reachable chain of 100000 nodes.
#include "corpus.h"

void* head;

SITE void** site_node(void* next) {
  void** node = malloc(24);
  node[0] = NULL;
  node[1] = next;
  return node;
}

static void body(void) {
  for (int i = 0; i < 100000; ++i) head = site_node(head);
}

int main(void) {
  run(body);
  return 0;
}
