// flags: -O2 -fno-builtin -Wl,-z,lazy
// quotes: ^call
// SPDX-License-Identifier: Apache-2.0
// shows: calls through the linkage table of a library's function that does next to nothing. looks_like: calls through
// it as well, of one that does much.
#include <strings.h>

#include "work.h"

static char text[4096];

FUNCTION long shows(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += ffs(i);
  return sum;
}

FUNCTION long looks_like(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    sum += (long)strlen(text);
    __asm__ volatile("" ::: "memory");
  }
  return sum;
}

int main(void) {
  memset(text, 'x', sizeof text - 1);
  RUN(sink += shows(10000))
  RUN(sink += looks_like(1000))
}
