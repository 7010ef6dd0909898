#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Blocks of libraries that come and go, to the last block (truth/truth.h): opened and closed hundreds of times, at
# addresses that other libraries had before; with thread-local storage that the loader allocates on first use; opened with
# RTLD_DEEPBIND and by dlmopen, whose calls pass the agent's names by. And what atexit handlers, static constructors and
# destructors get and give back.
source "$(dirname "$0")/lib.sh"

for name in one two three; do
  cat >lib$name.c <<C
#define TRUTH_EXTERN
#include "truth.h"
static __thread char big[5000];
static void* kept[4];
SITE void* site_${name}(size_t size) { return GOT(malloc(size), size); }
SITE void* site_${name}_touches_tls(int at) { big[at] = 1; return kept[at % 4]; }
__attribute__((constructor)) static void site_${name}_constructor(void) { kept[0] = GOT(malloc(50), 50); }
__attribute__((destructor)) static void site_${name}_destructor(void) { give(kept[0]); give(GOT(malloc(60), 60)); }
void* work(size_t size) { site_${name}_touches_tls(3); give(site_${name}(size)); return site_${name}(size + 1); }
C
  gcc -g -O1 $TRUTH_FLAGS -shared -fPIC -o lib$name.so lib$name.c
done
cxx_program libraries $TRUTH_FLAGS -rdynamic -ldl <<'C'
#include "truth.h"
#include <dlfcn.h>
#include <pthread.h>
#include <memory>
SITE void* site_atexit(size_t size) { return GOT(malloc(size), size); }
SITE void* site_static(size_t size) { return GOT(::operator new(size), size); }
SITE void* site_dlclosed(size_t size) { return GOT(malloc(size), size); }
static void* held;
struct Static {
  void* block = site_static(70);
  ~Static() {
    truth_gives(block);
    ::operator delete(block);
    site_static(80);
    give(held);
  }
};
static Static global;
static void at_end() { give(site_atexit(90)); held = site_atexit(91); }
static void* round_of(void* argument) {
  const char* names[] = {"./libone.so", "./libtwo.so", "./libthree.so"};
  const long rounds = (long)argument;
  for (long i = 0; i < rounds; ++i) {
    void* library = dlopen(names[i % 3], RTLD_NOW | (i % 2 ? RTLD_DEEPBIND : 0));
    if (library == nullptr) _exit(3);
    void* block = reinterpret_cast<void* (*)(size_t)>(dlsym(library, "work"))(10 + (size_t)i % 7);
    void* gap = site_dlclosed(5);
    dlclose(library);
    give(gap);
    if (i % 2 == 0) give(block);
  }
  return argument;
}
int main() {
  atexit(at_end);
  round_of((void*)150);
  pthread_t ids[3];
  for (auto& id : ids) pthread_create(&id, nullptr, round_of, (void*)50);
  for (auto& id : ids) pthread_join(id, nullptr);
  return 6;
}
C
loader='^calloc$|^malloc$|^realloc$|_dl_|allocate_dtv|pthread|dlopen|dlsym|dlclose|dlerror|new_exitfn|atexit|add_to_global|decompose_rpath|^libstdc|tls_get|open_path|fillin_rpath|strdup|expand_dynamic'
heap_truth --unknown "$loader" -- ./libraries

# With a libc of its own (dlmopen), and one whose calls of its own allocator name no symbol (-Bsymbolic).
gcc -g -O1 -fno-builtin -shared -fPIC -o libapart.so -x c - <<'C'
#include <stdlib.h>
__attribute__((noinline, noclone)) void* site_apart(size_t size) { void* block = malloc(size); __asm__ volatile("" ::"r"(block) : "memory"); return block; }
void work(void) { for (int i = 0; i < 1000; ++i) { void* block = site_apart(100); if (i % 10 != 0) free(block); } }
C
gcc -g -O1 -fno-builtin -shared -fPIC -Wl,-Bsymbolic -o libsymbolic.so -x c - <<'C'
#include <stddef.h>
static char pool[1 << 20] __attribute__((aligned(16)));
static size_t used;
__attribute__((noinline)) void* malloc(size_t size) { used += (size + 31) / 16 * 16; return used > sizeof pool ? NULL : pool + used - (size + 31) / 16 * 16; }
__attribute__((noinline)) void free(void* block) { __asm__ volatile("nop; nop; nop; nop" ::"r"(block) : "memory"); }
__attribute__((noinline, noclone)) void* site_symbolic(size_t size) { void* block = malloc(size); __asm__ volatile("" ::"r"(block) : "memory"); return block; }
void work(void) { for (int i = 0; i < 1000; ++i) { void* block = site_symbolic(100); if (i % 10 != 0) free(block); } }
C
cc_program apart -ldl <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  for (int i = 0; i < 2; ++i) {
    void* library = i == 0 ? dlmopen(LM_ID_NEWLM, "./libapart.so", RTLD_NOW) : dlopen("./libsymbolic.so", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) { puts(dlerror()); return 3; }
    void (*work)(void);
    *(void**)&work = dlsym(library, "work");
    work();
  }
  return 6;
}
C
same_with_and_without ./apart
"$FLARESTACK" report --metric live --threshold 0 --format json t.flare >r.json
for site in site_apart site_symbolic; do
  json_true r.json "[(f['allocations'], f['allocated_bytes'], f['live_blocks_at_end']) for f in d['functions'] if f['name'] == '$site'] == [(1000, 100000, 100)]" $site
done
json_true r.json 'd["heap"]["foreign_frees"] == d["heap"]["events_lost"] == 0' "quality"
