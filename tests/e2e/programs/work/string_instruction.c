// flags: -O2 -fno-tree-vectorize -fno-tree-loop-distribute-patterns
// quotes: ^rep movsb
// SPDX-License-Identifier: Apache-2.0
// shows: rep movsb, of short blocks. looks_like: movsd of SSE2, which copies doubles and has a string instruction's
// name.
#include "work.h"

static double from[4096], to[4096];

FUNCTION void shows(void) {
  for (int i = 0; i < 4096; ++i) {
    const void* source = from + i;
    void* target = to + i;
    unsigned long count = 8;
    __asm__ volatile("rep movsb" : "+S"(source), "+D"(target), "+c"(count)::"memory");
  }
}

FUNCTION void looks_like(void) {
  for (int i = 0; i < 4096; ++i) {
    to[i] = from[i];
    __asm__ volatile("" ::: "memory");
  }
}

int main(void) {
  RUN(shows())
  for (double end = cpu_seconds() + CPU_SECONDS; cpu_seconds() < end;)
    for (int i = 0; i < 10; ++i) looks_like();
}
