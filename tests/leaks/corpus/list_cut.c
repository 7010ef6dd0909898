// SPDX-License-Identifier: Apache-2.0
// A reachable list whose middle was cut off.
#include "corpus.h"

struct node {
  struct node* next;
  char room[24];
};
struct node* head;

SITE struct node* site_node(struct node* next) {
  struct node* node = calloc(1, sizeof *node);
  node->next = next;
  return node;
}
SITE struct node* site_middle(struct node* next) {
  struct node* node = calloc(1, sizeof *node);
  node->next = next;
  return node;
}

static void body(void) {
  struct node* last = site_node(site_node(NULL));
  struct node* middle = site_middle(site_middle(site_middle(last)));
  head = site_node(middle);
  head->next = last;
}

int main(void) {
  run(body);
  return 0;
}
