// SPDX-License-Identifier: Apache-2.0
// A pointer to a virtual base.
#include "corpus.h"

struct Base {
  virtual ~Base() = default;
  long base = 1;
};
struct Left : virtual Base {
  long left = 2;
};
struct Right : virtual Base {
  long right = 3;
};
struct Bottom : Left, Right {
  long bottom = 4;
};
Base* base;
Right* right;

SITE Bottom* site_base() { return new Bottom; }
SITE Bottom* site_right() { return new Bottom; }

static void body() {
  base = site_base();
  right = site_right();
}

int main() {
  run(body);
  return 0;
}
