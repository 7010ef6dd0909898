// SPDX-License-Identifier: Apache-2.0
// Held by a global of a library that stays open, and by its thread-local variable.
#include <dlfcn.h>

#include "corpus.h"

#ifdef LIBRARY
static void* global = &global;
static __thread void* local;

SITE void* site_library(void) { return malloc(300); }
void keep(void* pointer) {
  global = pointer;
  local = site_library();
}
#else
SITE void* site_program(void) { return malloc(200); }

static char library[4096];
static void body(void) {
  void* handle = dlopen(library, RTLD_NOW);
  ((void (*)(void*))dlsym(handle, "keep"))(site_program());
}

int main(int argc, char** argv) {
  snprintf(library, sizeof library, "%s/dlopen_global.so", getenv("CORPUS_BUILD"));
  run(body);
  return argc != 1;
}
#endif
