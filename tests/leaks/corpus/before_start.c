// SPDX-License-Identifier: Apache-2.0
// A pointer before the start (an array that counts from 1) does not hold a block.
#include "corpus.h"

long* from_one;

SITE long* site_array(void) { return malloc(20 * sizeof(long)); }

static void body(void) { from_one = site_array() - 1; }

int main(void) {
  run(body);
  return 0;
}
