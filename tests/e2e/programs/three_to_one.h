// SPDX-License-Identifier: Apache-2.0
// For programs that are sampled from outside: both() has three quarters of its time under heavy(), and a quarter under
// light(); and what the kernel says was used.
#pragma once

#include <sys/resource.h>

static __thread volatile long sink;  // no thread makes another one's slower

// One loop for both: as fast in the one as in the other.
__attribute__((noinline)) void spin(long n) {
  for (long i = 0; i < n; ++i) sink += i ^ n;
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
