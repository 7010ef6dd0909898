// SPDX-License-Identifier: Apache-2.0
// The usual loop over lines, and the usual mistake of giving each line a new buffer.
#define _GNU_SOURCE
#include "corpus.h"

SITE void site_reused(FILE* file) {
  char* line = NULL;
  size_t room = 0;
  while (getline(&line, &room, file) > 0) continue;
  free(line);
}
SITE void site_each(FILE* file) {
  for (int i = 0; i < 5; ++i) {
    char* line = NULL;
    size_t room = 0;
    if (getline(&line, &room, file) < 0) free(line);
  }
}

static void body(void) {
  FILE* file = fopen("/proc/self/status", "r");
  site_reused(file);
  rewind(file);
  site_each(file);
  fclose(file);
}

int main(void) {
  run(body);
  return 0;
}
