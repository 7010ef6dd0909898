// SPDX-License-Identifier: Apache-2.0
// Held by an interior pointer only: possibly lost.
#include "corpus.h"

char *middle, *last, *first_byte;

SITE char* site_middle(void) { return malloc(100); }
SITE char* site_last(void) { return malloc(100); }
SITE char* site_second_byte(void) { return malloc(100); }

static void body(void) {
  middle = site_middle() + 48;
  last = site_last() + 99;
  first_byte = site_second_byte() + 1;
}

int main(void) {
  run(body);
  return 0;
}
