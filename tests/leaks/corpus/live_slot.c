// SPDX-License-Identifier: Apache-2.0
// Held by live slots of main when it calls exit().
#include "corpus.h"

SITE void* site_slot(void) { return malloc(30); }
SITE void* site_array(void) { return malloc(31); }
SITE void* site_overwritten(void) { return malloc(32); }

int main(void) {
  void* volatile slot = site_slot();
  void* volatile array[10] = {NULL};
  for (int i = 0; i < 10; i += 3) array[i] = site_array();
  void* volatile overwritten = site_overwritten();
  overwritten = NULL;
  scrub();
  exit(slot == NULL || overwritten != NULL || array[9] == NULL);
}
