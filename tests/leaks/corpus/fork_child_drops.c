// SPDX-License-Identifier: Apache-2.0
// A child drops the only pointers to blocks that it inherited; its parent keeps them, and frees one of them.
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

struct node {
  struct node* next;
  char rest[100];
};
void *kept[3], *dropped;
struct node* list;

SITE void* site_kept(void) { return malloc(110); }
SITE void* site_freed(void) { return malloc(120); }
SITE void site_list(void) {
  struct node* node = calloc(1, sizeof *node);
  node->next = list;
  list = node;
}

static void in_child(void) {
  kept[0] = kept[2] = NULL;
  dropped = NULL;
  list = NULL;
}
static void body(void) {
  for (int i = 0; i < 3; ++i) kept[i] = site_kept();
  dropped = site_freed();
  for (int i = 0; i < 4; ++i) site_list();
  scrub();
  const pid_t child = fork();
  if (child == 0) {
    run(in_child);
    exit(0);
  }
  waitpid(child, NULL, 0);
  free(dropped);
  dropped = NULL;
}

int main(void) {
  run(body);
  return 0;
}
