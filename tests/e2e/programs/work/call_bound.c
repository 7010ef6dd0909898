// flags: -O2
// quotes: ^call
// SPDX-License-Identifier: Apache-2.0
// shows: calls that do all the work. looks_like: the same call, once for much work of its own.
#include "work.h"

static double table[1024];

FUNCTION double work(double x) {
  for (int i = 0; i < 200; ++i) x = x * 0.999 + table[i];
  return x;
}

FUNCTION double shows(int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += work(i);
  return sum;
}

FUNCTION double looks_like(int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < 1024; ++j) sum = sum * 0.999 + table[j];
    if (i % 64 == 0) sum += work(i);
  }
  return sum;
}

int main(void) {
  for (int i = 0; i < 1024; ++i) table[i] = i;
  RUN(sink += (long)shows(1000))
  RUN(sink += (long)looks_like(300))
}
