// SPDX-License-Identifier: Apache-2.0
// A library whose destructor frees, and one whose destructor does not know of all.
#include <dlfcn.h>

#include "corpus.h"

#ifdef LIBRARY
static void* freed[10];
static void* left;

SITE void* site_freed(void) { return malloc(40); }
SITE void* site_left(void) { return malloc(50); }
__attribute__((constructor)) static void constructor(void) {
  for (int i = 0; i < 10; ++i) freed[i] = site_freed();
  left = site_left();
}
__attribute__((destructor)) static void destructor(void) {
  for (int i = 0; i < 10; ++i) free(freed[i]);
}
#else
static char library[4096];
static void body(void) { dlopen(library, RTLD_NOW); }

int main(void) {
  snprintf(library, sizeof library, "%s/dlopen_destructor.so", getenv("CORPUS_BUILD"));
  run(body);
  return 0;
}
#endif
