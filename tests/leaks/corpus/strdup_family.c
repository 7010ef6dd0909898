// SPDX-License-Identifier: Apache-2.0
// strdup, strndup, asprintf, getline, open_memstream, realpath: libc allocates for its caller.
#define _GNU_SOURCE
#include "corpus.h"

char *kept, *line, *stream_text;
size_t line_room, stream_size;

SITE char* site_strdup(void) { return strdup("a text of 23 characters"); }
SITE char* site_strndup(void) { return strndup("a text that is cut", 6); }
SITE char* site_asprintf(int i) {
  char* text = NULL;
  return asprintf(&text, "number %d of %s", i, "many") > 0 ? text : NULL;
}
SITE void site_getline(FILE* file) { getline(&line, &line_room, file); }
SITE char* site_realpath(void) { return realpath("/", NULL); }
SITE void site_memstream(void) {
  FILE* file = open_memstream(&stream_text, &stream_size);
  fputs("text", file);
  fclose(file);
}

static void body(void) {
  site_strdup();
  kept = site_strndup();
  for (int i = 0; i < 3; ++i) site_asprintf(i);
  FILE* file = fopen("/proc/self/comm", "r");
  site_getline(file);
  line = NULL;
  line_room = 0;
  rewind(file);
  site_getline(file);
  fclose(file);
  site_realpath();
  site_memstream();
}

int main(void) {
  run(body);
  return 0;
}
