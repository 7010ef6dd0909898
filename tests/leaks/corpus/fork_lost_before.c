// SPDX-License-Identifier: Apache-2.0
// A program loses a block, its child another one, and the child's child a third: each is the leak of who lost it.
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

void *second, *third;

SITE void* site_block(size_t size) { return malloc(size); }

static void drop_third(void) { third = NULL; }
static void in_child(void) {
  second = NULL;
  const pid_t child = fork();
  if (child == 0) {
    run(drop_third);
    exit(0);
  }
  waitpid(child, NULL, 0);
}
static void body(void) {
  void** const kept[] = {NULL, &second, &third};
  for (int i = 0; i < 3; ++i) {
    void* block = site_block(100 + 10 * i);
    if (kept[i] != NULL) *kept[i] = block;
  }
  scrub();
  const pid_t child = fork();
  if (child == 0) {
    run(in_child);
    exit(0);
  }
  waitpid(child, NULL, 0);
}

int main(void) {
  run(body);
  return 0;
}
