// SPDX-License-Identifier: Apache-2.0
// An exception that passes over a delete; its own memory is freed.
#include <stdexcept>
#include <string>

#include "corpus.h"

SITE long* site_skipped() { return new long[12]; }
SITE void site_throws(int i) {
  if (i % 2) throw std::runtime_error("a message that is long enough for a block of its own");
}

static void body() {
  for (int i = 0; i < 10; ++i) {
    try {
      long* numbers = site_skipped();
      site_throws(i);
      delete[] numbers;
    } catch (const std::exception&) {
    }
  }
}

int main() {
  run(body);
  return 0;
}
