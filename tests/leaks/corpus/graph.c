// SPDX-License-Identifier: Apache-2.0
// A graph of 300 nodes with edges in all directions, of which a part hangs on a global.
#include "corpus.h"

struct node {
  struct node* edges[4];
};
struct node* start;

SITE struct node* site_node(void) { return calloc(1, sizeof(struct node)); }

static void body(void) {
  static struct node* nodes[300];
  for (int i = 0; i < 300; ++i) nodes[i] = site_node();
  uint32_t random = 12345;
  for (int i = 0; i < 300; ++i) {
    for (int k = 0; k < 3; ++k) {
      random = random * 1664525 + 1013904223;
      const int to = (int)(random >> 16) % 300;
      if ((i < 200) == (to < 200)) nodes[i]->edges[k] = nodes[to];
    }
  }
  for (int i = 200; i < 300; ++i) nodes[i]->edges[3] = nodes[i % 200];
  for (int i = 0; i < 300; ++i) nodes[i] = i == 50 ? nodes[i] : NULL;
  start = nodes[50];
  nodes[50] = NULL;
}

int main(void) {
  run(body);
  return start == NULL;
}
