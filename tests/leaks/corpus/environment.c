// SPDX-License-Identifier: Apache-2.0
// setenv, putenv of a malloc'ed string, one that unsetenv dropped.
#define _GNU_SOURCE
#include "corpus.h"

SITE void site_setenv(const char* name) { setenv(name, "a value", 1); }
SITE char* site_putenv(const char* text) { return strdup(text); }

static void body(void) {
  site_setenv("ONE");
  putenv(site_putenv("TWO=a block of the program's"));
  putenv(site_putenv("THREE=dropped"));
  unsetenv("THREE");
}

int main(void) {
  run(body);
  return getenv("TWO") == NULL;
}
