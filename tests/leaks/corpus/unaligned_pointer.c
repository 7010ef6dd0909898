// SPDX-License-Identifier: Apache-2.0
// A pointer at an address that is no multiple of 8 is not looked for.
#include "corpus.h"

static struct __attribute__((packed)) {
  char tag;
  void* pointer;
} packed;
char halves[32] __attribute__((aligned(16)));

SITE void* site_packed(void) { return malloc(70); }
SITE void* site_four(void) { return malloc(71); }

static void body(void) {
  packed.pointer = site_packed();
  void* four = site_four();
  memcpy(halves + 4, &four, sizeof four);
}

int main(void) {
  run(body);
  return 0;
}
