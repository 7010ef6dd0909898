// SPDX-License-Identifier: Apache-2.0
// Leaks of a program that then becomes another are not reported; those of the new one are.
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

SITE void site_before(void) { malloc(110); }
SITE void site_after(void) { malloc(120); }

int main(int argc, char** argv) {
  if (argc > 1) {
    run(site_after);
    return 4;
  }
  run(site_before);
  execl(argv[0], argv[0], "again", NULL);
  return 1;
}
