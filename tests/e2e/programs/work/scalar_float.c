// flags: -O2 -fno-tree-vectorize -ffp-contract=off
// quotes: ^(mul|add)sd
// SPDX-License-Identifier: Apache-2.0
// shows: one number at a time of arrays whose elements are independent. looks_like: each element needs the one before.
#include "work.h"

enum { COUNT = 2048 };
static double a[COUNT], b[COUNT], c[COUNT];

FUNCTION void shows(double factor) {
  for (int i = 0; i < COUNT; ++i) c[i] = a[i] * factor + b[i];
}

FUNCTION void looks_like(double factor) {
  double last = 0;
  for (int i = 0; i < COUNT; ++i) c[i] = last = last * factor + b[i];
}

int main(void) {
  for (int i = 0; i < COUNT; ++i) a[i] = b[i] = i;
  for (double end = cpu_seconds() + CPU_SECONDS; cpu_seconds() < end;)
    for (int i = 0; i < 20; ++i) shows(0.5);
  for (double end = cpu_seconds() + CPU_SECONDS; cpu_seconds() < end;)
    for (int i = 0; i < 20; ++i) looks_like(0.5);
  sink = (long)c[17];
}
