// SPDX-License-Identifier: Apache-2.0
// A program of this folder has a function `shows` that does one kind of work, and one `looks_like` that has the same
// kind of instructions, or the same source, and is busy with something else. Each runs for so much CPU time. The first
// lines of a file say how it is compiled, and what the hint's first instruction looks like.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FUNCTION __attribute__((noinline, noclone))
#define CPU_SECONDS 0.25

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Calls it until the time has passed; CALL has to take some ten microseconds at least, so that the clock costs nothing.
#define RUN(CALL)                                                        \
  for (double end = cpu_seconds() + CPU_SECONDS; cpu_seconds() < end;) { \
    CALL;                                                                \
  }

static volatile long sink;
