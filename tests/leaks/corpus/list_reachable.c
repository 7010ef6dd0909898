// SPDX-License-Identifier: Apache-2.0
// A list whose head is a global, with strings hanging on it.
#include "corpus.h"

struct node {
  struct node* next;
  char* text;
};
struct node* head;

SITE void site_node(char* text) {
  struct node* node = malloc(sizeof *node);
  node->next = head;
  node->text = text;
  head = node;
}
SITE char* site_text(void) { return strdup("the text of a node"); }

static void body(void) {
  for (int i = 0; i < 40; ++i) site_node(i % 2 ? site_text() : NULL);
}

int main(void) {
  run(body);
  return 0;
}
