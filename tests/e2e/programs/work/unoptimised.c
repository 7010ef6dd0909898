// flags: -O0
// quotes: \[rbp - 
// SPDX-License-Identifier: Apache-2.0
// shows: compiled without optimisation. looks_like: with it, and with a frame pointer, and with a variable that has to
// be in memory.
#include "work.h"

FUNCTION long shows(long count) {
  long sum = 0;
  for (long i = 0; i < count; ++i) sum = sum * 31 + (i ^ (sum >> 3));
  return sum;
}

__attribute__((optimize("O2,no-omit-frame-pointer"))) FUNCTION long looks_like(long count) {
  volatile long kept = 1;
  long sum = 0;
  for (long i = 0; i < count; ++i) {
    sum = sum * 31 + (i ^ (sum >> 3));
    sum = (sum << 7) - (sum >> 5) + i * 3;
    if (i % 64 == 0) sum += kept;
  }
  return sum;
}

int main(void) {
  RUN(sink += shows(100000))
  RUN(sink += looks_like(100000))
}
