// SPDX-License-Identifier: Apache-2.0
// A number that happens to be the address of a block holds it.
#include "corpus.h"

volatile uint64_t checksum;

SITE void* site_hit(void) { return malloc(64); }

static void body(void) { checksum = (uintptr_t)site_hit(); }

int main(void) {
  run(body);
  return 0;
}
