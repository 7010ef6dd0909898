// flags: -O2
// quotes: div
// SPDX-License-Identifier: Apache-2.0
// shows: a division by a number that the compiler does not know. looks_like: the same sums by a constant, which is a
// multiplication; its one real division is outside of the loop.
#include "work.h"

static unsigned long values[4096];

FUNCTION unsigned long shows(unsigned long divisor) {
  unsigned long sum = 0;
  for (int i = 0; i < 4096; ++i) sum += values[i] / divisor;
  return sum;
}

FUNCTION unsigned long looks_like(unsigned long divisor) {
  unsigned long sum = 0;
  for (int i = 0; i < 4096; ++i) sum += values[i] / 1000003;
  return sum / divisor;
}

int main(void) {
  for (int i = 0; i < 4096; ++i) values[i] = (unsigned long)i * 0x9E3779B97F4A7C15u;
  RUN(sink += (long)shows(1000003))
  RUN(sink += (long)looks_like(1000003))
}
