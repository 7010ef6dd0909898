// SPDX-License-Identifier: Apache-2.0
// The head of a list is gone: one definite, the others indirect.
#include "corpus.h"

struct node {
  long value;
  struct node* next;
};

SITE struct node* site_node(struct node* next) {
  struct node* node = malloc(sizeof *node);
  node->next = next;
  node->value = 1;
  return node;
}

static void body(void) {
  struct node* list = NULL;
  for (int i = 0; i < 50; ++i) list = site_node(list);
}

int main(void) {
  run(body);
  return 0;
}
