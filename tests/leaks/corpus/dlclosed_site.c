// SPDX-License-Identifier: Apache-2.0
// Leaks of a library that was closed keep their call paths.
#include <dlfcn.h>

#include "corpus.h"

#ifdef LIBRARY
SITE void* site_library(void) { return malloc(70); }
void* work(int i) { return i % 2 ? site_library() : NULL; }
#else
void* kept;

static char library[4096];
static void body(void) {
  for (int i = 0; i < 3; ++i) {
    void* handle = dlopen(library, RTLD_NOW);
    void* (*work)(int) = (void* (*)(int))dlsym(handle, "work");
    for (int k = 0; k < 4; ++k) work(k);
    kept = work(1);
    dlclose(handle);
  }
}

int main(void) {
  snprintf(library, sizeof library, "%s/dlclosed_site.so", getenv("CORPUS_BUILD"));
  run(body);
  return 0;
}
#endif
