// SPDX-License-Identifier: Apache-2.0
// An interior pointer and one to the start: reachable.
#include "corpus.h"

char* interior[5];
char* start[5];

SITE char* site_both(void) { return malloc(80); }
SITE char* site_interior(void) { return malloc(80); }

static void body(void) {
  for (int i = 0; i < 5; ++i) {
    start[i] = i < 3 ? site_both() : site_interior();
    interior[i] = start[i] + 40;
    if (i >= 3) start[i] = NULL;
  }
}

int main(void) {
  run(body);
  return 0;
}
