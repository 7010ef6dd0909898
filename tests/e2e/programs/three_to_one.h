// SPDX-License-Identifier: Apache-2.0
// For programs that are sampled from outside: both() has three quarters of its time under heavy(), and a quarter under
// light(); and what the kernel says was used.
#pragma once

#include <sys/resource.h>

// The next of a sequence without a period that a sampling period could fall in step with; for (n >> 8) % so many
// (the low bits of a linear congruence repeat soon).
static inline long next(long n) { return (n * 1103515245 + 12345) & 0x7fffffff; }

static __thread volatile long sink;  // no thread makes another one's slower

// One loop for both, as fast in the one as in the other: a chain of multiplications, and nothing in memory, whose cost
// would depend on what was done before.
__attribute__((noinline)) void spin(long n) {
  unsigned long x = 1;
  for (long i = 0; i < n; ++i) {
    x = x * 6364136223846793005UL + 1;
    __asm__ volatile("" : "+r"(x));
  }
  sink += (long)x;
}
__attribute__((noinline)) void heavy(long n) {
  spin(3 * n);
  ++sink;
}
__attribute__((noinline)) void light(long n) {
  spin(n);
  ++sink;
}
__attribute__((noinline)) void both(long n) {
  heavy(n);
  light(n);
  ++sink;
}

// User and system time of the process, in seconds.
static double used(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
