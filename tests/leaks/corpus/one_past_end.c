// SPDX-License-Identifier: Apache-2.0
// A pointer to one past the end does not hold a block.
#include "corpus.h"

char *past_24, *past_40, *past_100;

SITE char* site_24(void) { return malloc(24); }
SITE char* site_40(void) { return malloc(40); }
SITE char* site_100(void) { return malloc(100); }

static void body(void) {
  past_24 = site_24() + 24;
  past_40 = site_40() + 40;
  past_100 = site_100() + 100;
}

int main(void) {
  run(body);
  return 0;
}
