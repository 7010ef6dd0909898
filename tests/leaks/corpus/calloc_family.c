// SPDX-License-Identifier: Apache-2.0
// calloc, reallocarray, and a calloc and a malloc that fail.
#define _GNU_SOURCE
#include "corpus.h"

void* kept;
volatile size_t huge = SIZE_MAX / 2;

SITE void* site_calloc(void) { return calloc(7, 9); }
SITE void* site_array(void* block) { return reallocarray(block, 10, 30); }
SITE void* site_failing(size_t size) { return size == 1 ? calloc(huge, 4) : malloc(size); }

static void body(void) {
  site_calloc();
  kept = site_array(site_calloc());
  site_array(NULL);
  if (site_failing(1) || site_failing(huge)) abort();
}

int main(void) {
  run(body);
  return 0;
}
