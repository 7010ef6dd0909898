// SPDX-License-Identifier: Apache-2.0
// Blocks of before a fork: the child drops one and frees another, the parent keeps both.
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

void *dropped, *freed;

SITE void* site_dropped(void) { return malloc(110); }
SITE void* site_freed(void) { return malloc(120); }
SITE void site_lost(void) { malloc(130); }

static void in_child(void) {
  dropped = NULL;
  free(freed);
  freed = NULL;
}
static void body(void) {
  dropped = site_dropped();
  freed = site_freed();
  site_lost();
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
