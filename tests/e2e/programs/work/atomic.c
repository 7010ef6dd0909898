// flags: -O2
// quotes: ^lock
// SPDX-License-Identifier: Apache-2.0
// shows: a counter that is added to atomically. looks_like: a counter that is atomic as well, read and written without
// an order, which takes ordinary instructions; the one locked instruction is outside of the loop.
#include <stdatomic.h>

#include "work.h"

static _Atomic long counter;

FUNCTION void shows(int count) {
  for (int i = 0; i < count; ++i) atomic_fetch_add(&counter, 3);
}

FUNCTION void looks_like(int count) {
  atomic_fetch_add(&counter, 1);
  for (int i = 0; i < count; ++i)
    atomic_store_explicit(&counter, atomic_load_explicit(&counter, memory_order_relaxed) * 5 + 3, memory_order_relaxed);
}

int main(void) {
  RUN(shows(10000))
  RUN(looks_like(10000))
  sink = counter;
}
