// flags: -O2 -fno-tree-vectorize -fno-tree-loop-distribute-patterns
// quotes: ^mov +byte ptr
// SPDX-License-Identifier: Apache-2.0
// shows: writes to memory that it was just given, a byte a page. looks_like: the same writes to memory that it has.
#include <sys/mman.h>

#include "work.h"

enum { PAGES = 2048, PAGE = 4096 };

FUNCTION void shows(volatile char* memory) {
  for (int i = 0; i < PAGES; ++i) memory[i * PAGE] = 1;
}

FUNCTION void looks_like(volatile char* memory) {
  for (int i = 0; i < PAGES; ++i) memory[i * PAGE] = 1;
}

int main(void) {
  for (double end = cpu_seconds() + 6 * CPU_SECONDS; cpu_seconds() < end;) {
    char* memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE);
    shows(memory);
    munmap(memory, PAGES * PAGE);
  }
  char* memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  RUN(looks_like(memory))
}
