// SPDX-License-Identifier: Apache-2.0
// A doubly linked list with a global sentinel.
#include "corpus.h"

struct node {
  struct node *next, *previous;
};
struct node sentinel = {&sentinel, &sentinel};

SITE void site_node(void) {
  struct node* node = malloc(sizeof *node);
  node->next = &sentinel;
  node->previous = sentinel.previous;
  sentinel.previous->next = node;
  sentinel.previous = node;
}

static void body(void) {
  for (int i = 0; i < 30; ++i) site_node();
}

int main(void) {
  run(body);
  return 0;
}
