// SPDX-License-Identifier: Apache-2.0
// A lost tree: its root definite, the rest indirect.
#include "corpus.h"

struct node {
  struct node *left, *right;
};

SITE struct node* site_leaf(void) { return calloc(1, sizeof(struct node)); }
SITE struct node* site_inner(struct node* left, struct node* right) {
  struct node* node = malloc(sizeof *node);
  node->left = left;
  node->right = right;
  return node;
}
static struct node* tree(int depth) { return depth ? site_inner(tree(depth - 1), tree(depth - 1)) : site_leaf(); }
SITE void site_root(void) {
  struct node** root = malloc(sizeof *root);
  *root = tree(6);
}

int main(void) {
  run(site_root);
  return 0;
}
