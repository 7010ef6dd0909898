// SPDX-License-Identifier: Apache-2.0
// A list linked by the exclusive or of neighbours: its first node is held, the others hold nothing.
#include "corpus.h"

uintptr_t* first;

SITE uintptr_t* site_node(void) { return calloc(1, 48); }

static void body(void) {
  uintptr_t* nodes[6];
  for (int i = 0; i < 6; ++i) nodes[i] = site_node();
  for (int i = 0; i < 6; ++i) {
    *nodes[i] =
        (i > 0 ? (uintptr_t)nodes[i - 1] : 0x5a5aULL << 48) ^ (i < 5 ? (uintptr_t)nodes[i + 1] : 0x5a5aULL << 48);
  }
  first = nodes[0];
}

int main(void) {
  run(body);
  return 0;
}
