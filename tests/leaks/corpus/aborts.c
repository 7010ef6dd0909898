// SPDX-License-Identifier: Apache-2.0
// abort().
#include "corpus.h"

SITE void* site_slot(void) { return malloc(25); }
SITE void site_lost(void) { malloc(26); }

int main(void) {
  void* volatile slot = site_slot();
  run(site_lost);
  lsan_check();
  if (slot) abort();
  return 0;
}
