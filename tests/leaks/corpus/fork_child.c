// SPDX-License-Identifier: Apache-2.0
// A child that leaks, and exits.
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

SITE void site_child(void) { malloc(110); }
SITE void site_parent(void) { malloc(120); }

static void in_child(void) {
  for (int i = 0; i < 4; ++i) site_child();
}
static void body(void) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    run(in_child);
    exit(3);
  }
  waitpid(child, &status, 0);
  if (WEXITSTATUS(status) != 3) abort();
  site_parent();
}

int main(void) {
  run(body);
  return 0;
}
