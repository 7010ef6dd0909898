// SPDX-License-Identifier: Apache-2.0
// Held by dead stack only: by slots of functions that returned, and by ones deeper than any since.
#include "corpus.h"

SITE void site_slot(void) {
  void* volatile slot = malloc(30);
  (void)slot;
}
SITE void* site_array(void) { return malloc(31); }

__attribute__((noipa)) static void fill(int depth) {
  void* volatile slots[500];
  for (int i = 0; i < 500; ++i) slots[i] = NULL;
  if (depth > 0) fill(depth - 1);
  if (depth < 20) slots[depth] = site_array();
}
static void body(void) {
  site_slot();
  fill(100);  // 400 KiB deep: the scrubbing does not reach the deepest of it
}

int main(void) {
  run(body);
  return 0;
}
