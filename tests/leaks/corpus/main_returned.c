// SPDX-License-Identifier: Apache-2.0
// Held by slots of main, which has returned.
#include "corpus.h"

SITE void* site_slot(void) { return malloc(30); }

int main(void) {
  struct {  // the low addresses first: deeper than the frames of exit()
    void* volatile slots[16];
    volatile char above[4096];
  } frame;
  atexit(scrub);
  for (int i = 0; i < 16; ++i) frame.slots[i] = site_slot();
  for (int i = 0; i < 4096; ++i) frame.above[i] = 0;
  scrub();
  return frame.slots[7] == NULL;
}
