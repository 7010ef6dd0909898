// SPDX-License-Identifier: Apache-2.0
// A tree in a global, one branch of which was dropped.
#include "corpus.h"

struct node {
  struct node* child[3];
};
struct node root;

SITE struct node* site_node(void) { return calloc(1, sizeof(struct node)); }
SITE struct node* site_dropped(void) { return calloc(1, sizeof(struct node)); }

static void body(void) {
  for (int i = 0; i < 3; ++i) {
    root.child[i] = i == 1 ? site_dropped() : site_node();
    for (int k = 0; k < 3; ++k) root.child[i]->child[k] = site_node();
  }
  root.child[1] = NULL;
}

int main(void) {
  run(body);
  return 0;
}
