// SPDX-License-Identifier: Apache-2.0
// A lost block that holds another by an interior pointer.
#include "corpus.h"

SITE char** site_holder(void) { return calloc(4, sizeof(void*)); }
SITE char* site_held(void) { return malloc(60); }

static void body(void) {
  char** holder = site_holder();
  holder[1] = site_held() + 16;
  holder[2] = site_held();
}

int main(void) {
  run(body);
  return 0;
}
