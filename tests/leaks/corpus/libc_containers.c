// SPDX-License-Identifier: Apache-2.0
// Blocks in trees and tables of libc's: tsearch, hcreate; an open directory; a compiled expression.
#define _GNU_SOURCE
#include <dirent.h>
#include <regex.h>
#include <search.h>

#include "corpus.h"

void* tree;
DIR* directory;

SITE void* site_key(void) { return malloc(24); }
SITE void site_tree(void* key) { tsearch(key, &tree, (int (*)(const void*, const void*))strcmp); }
SITE char* site_entry(int i) {
  char* key = NULL;
  return asprintf(&key, "key %d", i) > 0 ? key : NULL;
}
SITE void site_opened(void) { directory = opendir("/"); }

static void body(void) {
  for (int i = 0; i < 5; ++i) {
    char* key = site_key();
    sprintf(key, "key %d", 7 * i % 5);
    site_tree(key);
  }
  hcreate(10);
  for (int i = 0; i < 5; ++i) hsearch((ENTRY){.key = site_entry(i)}, ENTER);
  site_opened();
  regex_t expression;
  regcomp(&expression, "a[0-9]+b*", REG_EXTENDED);
  regfree(&expression);
}

int main(void) {
  run(body);
  return 0;
}
