// flags: -O2
// quotes: ^call
// SPDX-License-Identifier: Apache-2.0
// shows: a function of three instructions that is called for each number. looks_like: one of many instructions, called
// as often.
#include "work.h"

unsigned values[4096];

FUNCTION unsigned tiny(unsigned value) { return value * 3 + 1; }

FUNCTION unsigned large(unsigned value) {
  for (int i = 0; i < 30; ++i) value = (value ^ (value >> 7)) * 31 + (unsigned)i;
  return value;
}

FUNCTION unsigned shows(void) {
  unsigned sum = 0;
  for (int i = 0; i < 4096; ++i) sum += tiny(values[i]);
  return sum;
}

FUNCTION unsigned looks_like(void) {
  unsigned sum = 0;
  for (int i = 0; i < 4096; ++i) sum += large(values[i]);
  return sum;
}

int main(void) {
  for (unsigned i = 0; i < 4096; ++i) values[i] = i;
  RUN(sink += shows())
  RUN(sink += looks_like())
}
