// SPDX-License-Identifier: Apache-2.0
// memcheck's heuristic newarray: pointers to the first element, behind the cookie of an array with destructors.
#include "corpus.h"

struct WithDestructor {
  ~WithDestructor() { value = 0; }
  long value = 1;
  char more[16];
};
struct Plain {
  long value;
};
WithDestructor* held;
WithDestructor* empty;
WithDestructor* second;
Plain* plain;

SITE WithDestructor* site_held() { return new WithDestructor[10]; }
SITE WithDestructor* site_empty(int count) { return new WithDestructor[count]; }
SITE WithDestructor* site_second() { return new WithDestructor[10]; }
SITE Plain* site_plain() { return new Plain[10]; }
SITE void site_lost() { new WithDestructor[7]; }

static void body() {
  held = site_held();
  empty = site_empty(0);
  second = site_second() + 1;
  plain = site_plain();
  site_lost();
}

int main() {
  run(body);
  return 0;
}
