// SPDX-License-Identifier: Apache-2.0
// A write to address 0.
#include "corpus.h"

SITE void* site_slot(void) { return malloc(25); }
SITE void site_lost(void) { malloc(26); }

int main(void) {
  void* volatile slot = site_slot();
  run(site_lost);
  lsan_check();
  *(int* volatile)NULL = slot != NULL;
  return 0;
}
