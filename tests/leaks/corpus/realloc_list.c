// SPDX-License-Identifier: Apache-2.0
// A table that is grown a hundred times while it holds blocks; its last growth is lost.
#include "corpus.h"

SITE void** site_table(void** table, size_t count) { return realloc(table, count * sizeof(void*)); }
SITE void* site_entry(void) { return calloc(1, 9); }

static void body(void) {
  void** table = NULL;
  for (size_t i = 0; i < 100; ++i) {
    table = site_table(table, i + 1);
    table[i] = site_entry();
  }
}

int main(void) {
  run(body);
  return 0;
}
