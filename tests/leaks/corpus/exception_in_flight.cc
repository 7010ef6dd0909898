// SPDX-License-Identifier: Apache-2.0
// exit() from a handler of an exception, whose object is still there.
#include <stdexcept>
#include <string>

#include "corpus.h"

struct Big {
  char room[300];
  void* block;
};

SITE void* site_inside() { return malloc(77); }
SITE void site_throws() {
  Big big{};
  big.block = site_inside();
  throw big;
}

int main() {
  try {
    site_throws();
  } catch (const Big& big) {
    scrub();
    exit(big.block == nullptr);
  }
  return 0;
}
