// SPDX-License-Identifier: Apache-2.0
// Held by memory that the program took with sbrk().
#define _DEFAULT_SOURCE
#include <unistd.h>

#include "corpus.h"

void** grown;

SITE void* site_block(void) { return malloc(100); }

static void body(void) {
  grown = (void**)(((uintptr_t)sbrk(8192) + 63) & ~(uintptr_t)63);
  grown[100] = site_block();
}

int main(void) {
  run(body);
  return grown[100] == NULL;
}
