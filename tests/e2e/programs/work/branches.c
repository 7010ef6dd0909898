// flags: -O1 -fno-if-conversion -fno-if-conversion2 -fno-tree-loop-if-convert
// quotes: ^j
// SPDX-License-Identifier: Apache-2.0
// shows: decisions by random numbers. looks_like: as many decisions by the same numbers that always go one way, as the
// checks of bounds do. Either side takes some cycles, since some processors let a signal in at few instructions only.
#include "work.h"

enum { COUNT = 1 << 14 };
static unsigned values[COUNT];
static long small, large, middle;

FUNCTION void shows(const unsigned* numbers) {
  for (int i = 0; i < COUNT; ++i) {
    if (numbers[i] & 1) {
      small = (small ^ numbers[i]) * 3 + (small >> 5);
    } else {
      large = (large ^ numbers[i]) * 5 - (large >> 7);
    }
    if (numbers[i] & 2) middle = (middle ^ i) * 9 + (middle >> 3);
  }
}

FUNCTION void looks_like(const unsigned* numbers) {
  for (int i = 0; i < COUNT; ++i) {
    if (numbers[i] > 0xFFFF0000u) {
      small = (small ^ numbers[i]) * 3 + (small >> 5);
    } else {
      large = (large ^ numbers[i]) * 5 - (large >> 7);
    }
    if (numbers[i] > 0xFFFE0000u) middle = (middle ^ i) * 9 + (middle >> 3);
  }
}

int main(void) {
  for (int i = 0; i < COUNT; ++i) values[i] = (unsigned)rand() % 0x70000000u;
  RUN(shows(values))
  RUN(looks_like(values))
  sink = small + large + middle;
}
