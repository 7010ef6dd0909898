// SPDX-License-Identifier: Apache-2.0
// memcheck's heuristic multipleinheritance: a pointer to the second base; without virtual functions it is none.
#include "corpus.h"

struct First {
  virtual ~First() = default;
  long one = 1;
};
struct Second {
  virtual ~Second() = default;
  long two = 2;
};
struct Both : First, Second {
  long three = 3;
};
struct PlainFirst {
  long one = 1;
};
struct PlainSecond {
  long two = 2;
};
struct PlainBoth : PlainFirst, PlainSecond {};
Second* second;
PlainSecond* plain;

SITE Both* site_both() { return new Both; }
SITE PlainBoth* site_plain() { return new PlainBoth; }
SITE Both* site_lost() { return new Both; }

static void body() {
  second = site_both();
  plain = site_plain();
  site_lost();
}

int main() {
  run(body);
  return 0;
}
