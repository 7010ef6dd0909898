// SPDX-License-Identifier: Apache-2.0
// A lost ring of doubly linked nodes: memcheck's leader is definite, its clique indirect.
#include "corpus.h"

struct node {
  struct node *next, *previous;
  long value[3];
};

SITE struct node* site_node(void) { return calloc(1, sizeof(struct node)); }

static void body(void) {
  struct node* first = site_node();
  first->next = first->previous = first;
  for (int i = 0; i < 9; ++i) {
    struct node* node = site_node();
    node->next = first;
    node->previous = first->previous;
    first->previous->next = node;
    first->previous = node;
  }
}

int main(void) {
  run(body);
  return 0;
}
