// SPDX-License-Identifier: Apache-2.0
// An exception that nobody catches.
#include <stdexcept>

#include "corpus.h"

SITE long* site_slot() { return new long[4]; }
SITE void site_lost() { new long[5]; }
SITE void site_throws() { throw 7; }

int main() {
  long* volatile slot = site_slot();
  run(site_lost);
  std::set_terminate([] {
    lsan_check();
    abort();
  });
  if (slot) site_throws();
  return 0;
}
