// SPDX-License-Identifier: Apache-2.0
// Held by a page that was made read-only, and by one that no one may read.
#include <sys/mman.h>

#include "corpus.h"

SITE void* site_read_only(void) { return malloc(100); }
SITE void* site_no_access(void) { return malloc(200); }

static void* page_with(void* pointer, int protection) {
  void** page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  page[1] = pointer;
  mprotect(page, 4096, protection);
  return page;
}

static void body(void) {
  page_with(site_read_only(), PROT_READ);
  page_with(site_no_access(), PROT_NONE);
}

int main(void) {
  run(body);
  return 0;
}
