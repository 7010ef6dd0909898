// SPDX-License-Identifier: Apache-2.0
// The last block of the heap is lost. It reaches over a multiple of 16 KiB, behind which no block begins, and holds
// others there.
#include "corpus.h"

enum { kSize = 2000, kHeld = 20, kBoundary = 1 << 14 };

SITE char* site_last(void) { return calloc(1, kSize); }
SITE void* site_held(void) { return malloc(60); }

static int reaches_over(uintptr_t start) {
  const uintptr_t end = start + kSize;
  return start / kBoundary != end / kBoundary && end % kBoundary >= (kHeld + 1) * sizeof(void*);
}
static void body(void) {
  void* held[kHeld];
  for (int i = 0; i < kHeld; ++i) held[i] = site_held();
  static char* others[1000];
  int count = 0;
  char* last = site_last();
  while (!reaches_over((uintptr_t)last) && count < 1000) {  // LeakSanitizer aligns them all
    others[count++] = last;
    last = site_last();
  }
  for (int i = 0; i < kHeld; ++i) ((void**)(last + kSize))[-1 - i] = held[i];
  while (count > 0) free(others[--count]);
}

int main(void) {
  run(body);
  return 0;
}
