// flags: -O2
// quotes: ^syscall
// SPDX-License-Identifier: Apache-2.0
// shows: a system call in every round. looks_like: one in the first round of many thousand.
#include <sys/syscall.h>

#include "work.h"

static long call(long number) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number) : "rcx", "r11", "memory");
  return result;
}

FUNCTION long shows(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += call(SYS_getppid) * 3;
  return sum;
}

FUNCTION long looks_like(int count) {
  long sum = call(SYS_getppid);
  for (int i = 0; i < count; ++i) sum = sum * 33 + (sum >> 7) * i;
  return sum;
}

int main(void) {
  RUN(sink += shows(1000))
  RUN(sink += looks_like(100000))
}
