// SPDX-License-Identifier: Apache-2.0
// Files that stay open, one of them forgotten, one with a buffer of the program's.
#include "corpus.h"

FILE *kept, *buffered;

SITE FILE* site_kept(void) { return fopen("/proc/self/comm", "r"); }
SITE FILE* site_forgotten(void) { return fopen("/proc/self/comm", "r"); }
SITE char* site_buffer(void) { return malloc(BUFSIZ); }
SITE int site_read(FILE* file) { return fgetc(file); }

static void body(void) {
  kept = site_kept();
  site_read(kept);
  site_read(site_forgotten());
  buffered = fopen("/proc/self/comm", "r");
  setvbuf(buffered, site_buffer(), _IOFBF, BUFSIZ);
  site_read(buffered);
  puts("buffered");
}

int main(void) {
  run(body);
  return 0;
}
