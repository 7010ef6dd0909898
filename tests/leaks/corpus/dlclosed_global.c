// SPDX-License-Identifier: Apache-2.0
// Held by the globals of a library that was closed.
#include <dlfcn.h>

#include "corpus.h"

#ifdef LIBRARY
static void* global = &global;
static void* more[2000];

void keep(void* pointer, int i) {
  global = pointer;
  more[i] = pointer;
}
#else
SITE void* site_program(void) { return malloc(200); }

static char library[4096];
static void body(void) {
  void* handle = dlopen(library, RTLD_NOW);
  void (*keep)(void*, int) = (void (*)(void*, int))dlsym(handle, "keep");
  for (int i = 0; i < 10; ++i) keep(site_program(), 100 * i);
  dlclose(handle);
}

int main(void) {
  snprintf(library, sizeof library, "%s/dlclosed_global.so", getenv("CORPUS_BUILD"));
  run(body);
  return 0;
}
#endif
