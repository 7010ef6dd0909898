#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that bring an allocator: preloaded around or inside the recording, linked, linked statically with and without
# names that the loader sees, all of the program's own making. Each takes the same path as bare, by what it finds of
# mallocx, mi_malloc and tc_malloc, and every entry counts to the last block (truth/truth.h), once.
source "$(dirname "$0")/lib.sh"
libraries=/usr/lib/x86_64-linux-gnu

cat >allocators.cc <<'C'
#include "truth.h"
#include <malloc.h>
#include <pthread.h>
#include <new>
extern "C" {
#pragma weak mallocx
#pragma weak rallocx
#pragma weak xallocx
#pragma weak dallocx
#pragma weak sdallocx
#pragma weak mi_malloc
#pragma weak mi_zalloc
#pragma weak mi_calloc
#pragma weak mi_realloc
#pragma weak mi_malloc_aligned
#pragma weak mi_free
#pragma weak tc_malloc
#pragma weak tc_calloc
#pragma weak tc_realloc
#pragma weak tc_memalign
#pragma weak tc_free
#pragma weak tc_new
#pragma weak tc_delete
void* mallocx(size_t, int);
void* rallocx(void*, size_t, int);
size_t xallocx(void*, size_t, size_t, int);
void dallocx(void*, int);
void sdallocx(void*, size_t, int);
void* mi_malloc(size_t);
void* mi_zalloc(size_t);
void* mi_calloc(size_t, size_t);
void* mi_realloc(void*, size_t);
void* mi_malloc_aligned(size_t, size_t);
void mi_free(void*);
void* tc_malloc(size_t);
void* tc_calloc(size_t, size_t);
void* tc_realloc(void*, size_t);
void* tc_memalign(size_t, size_t);
void tc_free(void*);
void* tc_new(size_t);
void tc_delete(void*);
}
SITE void* site_malloc(size_t size) { return GOT(malloc(size), size); }
SITE void* site_calloc(size_t count, size_t size) { return GOT(calloc(count, size), count * size); }
SITE void* site_realloc(void* old, size_t size) { return REALLOC(old, size, realloc(old, size)); }
SITE void* site_reallocarray(void* old, size_t count, size_t size) { return REALLOC(old, count * size, reallocarray(old, count, size)); }
SITE void* site_aligned_alloc(size_t size) { return GOT(aligned_alloc(64, size), size); }
SITE void* site_posix_memalign(size_t size) {
  void* block = nullptr;
  return GOT(posix_memalign(&block, 256, size) == 0 ? block : nullptr, size);
}
SITE void* site_memalign(size_t size) { return GOT(memalign(128, size), size); }
SITE void* site_new(size_t size) { return GOT(::operator new(size), size); }
SITE void* site_new_array(size_t size) { return GOT(::operator new[](size), size); }
SITE void* site_new_nothrow(size_t size) { return GOT(::operator new(size, std::nothrow), size); }
SITE void* site_new_aligned(size_t size) { return GOT(::operator new(size, std::align_val_t{64}), size); }
SITE void* site_mallocx(size_t size) { return GOT(mallocx(size, 6), size); }
SITE void* site_rallocx(void* old, size_t size) { return REALLOC(old, size, rallocx(old, size, 0)); }
SITE void* site_mi_malloc(size_t size) { return GOT(mi_malloc(size), size); }
SITE void* site_mi_zalloc(size_t size) { return GOT(mi_zalloc(size), size); }
SITE void* site_mi_calloc(size_t size) { return GOT(mi_calloc(3, size), 3 * size); }
SITE void* site_mi_realloc(void* old, size_t size) { return REALLOC(old, size, mi_realloc(old, size)); }
SITE void* site_mi_aligned(size_t size) { return GOT(mi_malloc_aligned(size, 64), size); }
SITE void* site_tc_malloc(size_t size) { return GOT(tc_malloc(size), size); }
SITE void* site_tc_calloc(size_t size) { return GOT(tc_calloc(3, size), 3 * size); }
SITE void* site_tc_realloc(void* old, size_t size) { return REALLOC(old, size, tc_realloc(old, size)); }
SITE void* site_tc_memalign(size_t size) { return GOT(tc_memalign(64, size), size); }
SITE void* site_tc_new(size_t size) { return GOT(tc_new(size), size); }
static void* work(void* argument) {
  const size_t from = (size_t)argument;
  for (size_t size = from; size < 3000; size += 7) {
    give(site_malloc(size));
    give(site_calloc(3, size));
    give(site_realloc(site_realloc(site_realloc(nullptr, size), size * 30), size + 1));
    give(site_reallocarray(nullptr, 5, size));
    give(site_aligned_alloc(size * 64));
    give(site_posix_memalign(size));
    give(site_memalign(size));
    void* block = site_new(size);
    void* array = site_new_array(size);
    truth_gives(block);
    ::operator delete(block, size);
    truth_gives(array);
    ::operator delete[](array);
    block = site_new_nothrow(size);
    truth_gives(block);
    ::operator delete(block, std::nothrow);
    block = site_new_aligned(size);
    truth_gives(block);
    ::operator delete(block, size, std::align_val_t{64});
    if (&mallocx != nullptr) {
      block = site_rallocx(site_mallocx(size), size * 3);
      truth_gives(block);
      sdallocx(block, size * 3, 0);
      block = site_mallocx(size);
      truth_gives(block);
      dallocx(block, 0);
    }
    if (&mi_malloc != nullptr) {
      void* blocks[] = {site_mi_realloc(site_mi_malloc(size), size * 9), site_mi_zalloc(size), site_mi_calloc(size), site_mi_aligned(size)};
      for (void* one : blocks) { truth_gives(one); mi_free(one); }
    }
    if (&tc_malloc != nullptr) {
      void* blocks[] = {site_tc_realloc(site_tc_malloc(size), size * 9), site_tc_calloc(size), site_tc_memalign(size)};
      for (void* one : blocks) { truth_gives(one); tc_free(one); }
      block = site_tc_new(size);
      truth_gives(block);
      tc_delete(block);
    }
    if (size % 5 == 0) site_malloc(size);
  }
  return argument;
}
int main() {
  printf("mallocx %d, mi_malloc %d, tc_malloc %d\n", &mallocx != nullptr, &mi_malloc != nullptr, &tc_malloc != nullptr);
  work((void*)1);
  pthread_t ids[2];
  for (size_t i = 0; i < 2; ++i) pthread_create(&ids[i], nullptr, work, (void*)(i + 2000));
  for (pthread_t id : ids) pthread_join(id, nullptr);
  return 6;
}
C
# exact EXPECTED-FIRST-LINE COMMAND...
exact() {
  heap_truth --unknown "$others" -- "${@:2}"
  grep -qx "$1" bare.out || fail "$*: $(cat bare.out)"
}
others='^libstdc|^_IO_file_doallocate|^calloc$|_dl_|allocate_dtv|pthread|^__cxa|^_GLOBAL|^libjemalloc|^libtcmalloc|^libmimalloc|tcmalloc::|^TCMallocGuard|^MallocExtension|^init|^je_|^mi_'
compile() { g++ -std=c++20 -O1 -g -Wall -pthread $TRUTH_FLAGS -o "$1" allocators.cc "${@:2}"; }
je="mallocx 1, mi_malloc 0, tc_malloc 0" mi="mallocx 0, mi_malloc 1, tc_malloc 0" tc="mallocx 0, mi_malloc 0, tc_malloc 1"
none="mallocx 0, mi_malloc 0, tc_malloc 0"
compile plain
exact "$none" ./plain
for allocator in "$je=libjemalloc.so.2" "$mi=libmimalloc.so.2.0" "$tc=libtcmalloc_minimal.so.4"; do
  library="$libraries/${allocator#*=}"
  LD_PRELOAD="$library" exact "${allocator%=*}" ./plain
  compile linked -Wl,--no-as-needed "$library"
  exact "${allocator%=*}" ./linked
done
compile static_je $libraries/libjemalloc.a -lm -ldl
exact "$je" ./static_je
compile static_tc -Wl,--whole-archive $libraries/libtcmalloc_minimal.a -Wl,--no-whole-archive
exact "$tc" ./static_tc
compile exported_tc -rdynamic -Wl,--whole-archive $libraries/libtcmalloc_minimal.a -Wl,--no-whole-archive
exact "$tc" ./exported_tc

# Of the program's own making, in a file of its own: exported or known by its symbols only.
gcc -O1 -g -c -fno-builtin -x c - -o tiny.o <<'C'
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
static char pool[200 << 20] __attribute__((aligned(4096)));
static size_t used;
static void* take(size_t size, size_t alignment) {
  size_t before = __atomic_load_n(&used, __ATOMIC_RELAXED), from;
  do {
    from = (before + 16 + alignment - 1) / alignment * alignment;
    if (size > sizeof pool || from + size > sizeof pool) { errno = ENOMEM; return NULL; }
  } while (!__atomic_compare_exchange_n(&used, &before, from + size, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  memcpy(pool + from - sizeof size, &size, sizeof size);
  return pool + from;
}
void* malloc(size_t size) { return take(size, 16); }
void free(void* block) { (void)block; __asm__ volatile("nop; nop; nop; nop; nop"); }  // a jump finds room
void* calloc(size_t count, size_t size) { return take(count * size, 16); }
void* aligned_alloc(size_t alignment, size_t size) { return take(size, alignment); }
void* memalign(size_t alignment, size_t size) { return take(size, alignment); }
int posix_memalign(void** block, size_t alignment, size_t size) { return (*block = take(size, alignment)) == NULL ? ENOMEM : 0; }
void* realloc(void* old, size_t size) {
  size_t before = 0;
  void* block = take(size, 16);
  if (old != NULL) memcpy(&before, (char*)old - sizeof before, sizeof before);
  if (block != NULL && old != NULL) memcpy(block, old, before < size ? before : size);
  return block;
}
void* reallocarray(void* old, size_t count, size_t size) { return realloc(old, count * size); }
C
for how in "" -rdynamic "-static-libstdc++ -static-libgcc"; do
  compile own tiny.o $how
  exact "$none" ./own
done

# A wrapper that looks the next allocator up at its first call, serves what the lookup itself asks for, and counts.
gcc -O1 -g -shared -fPIC -fno-builtin -x c - -o libwrapper.so <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static char pool[4096] __attribute__((aligned(16)));
static size_t used;
static int looking, own;
static long calls;
static void* (*next_malloc)(size_t);
static void* (*next_calloc)(size_t, size_t);
static void* (*next_realloc)(void*, size_t);
static void (*next_free)(void*);
static void* from_pool(size_t size) { used += (size + 15) / 16 * 16; ++own; return used > sizeof pool ? NULL : pool + used - (size + 15) / 16 * 16; }
static int look(void) {
  if (next_free != NULL) return 1;
  if (looking++) return 0;
  next_malloc = dlsym(RTLD_NEXT, "malloc");
  next_calloc = dlsym(RTLD_NEXT, "calloc");
  next_realloc = dlsym(RTLD_NEXT, "realloc");
  dlsym(RTLD_NEXT, "no such function");  // its error message is allocated
  next_free = dlsym(RTLD_NEXT, "free");
  looking = 0;
  return 1;
}
void* malloc(size_t size) { __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED); return look() ? next_malloc(size) : from_pool(size); }
void* calloc(size_t count, size_t size) { __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED); return look() ? next_calloc(count, size) : memset(from_pool(count * size), 0, count * size); }
void* realloc(void* old, size_t size) { __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED); return look() ? next_realloc(old, size) : from_pool(size); }
void free(void* block) { if ((char*)block < pool || (char*)block >= pool + sizeof pool) { if (look()) next_free(block); } }
__attribute__((destructor)) static void say(void) {
  char line[100];
  const int length = snprintf(line, sizeof line, "%ld calls, %d of the lookup's own\n", calls, own);
  if (write(1, line, (size_t)length) != length) _exit(120);
}
C
others="$others|dl|asprintf|look"
cc_program preloaded <<<'#include <unistd.h>
int main(int count, char** arguments) { (void)count; return execve(arguments[2], arguments + 2, (char*[]){arguments[1], NULL}); }'
exact "$none" ./preloaded LD_PRELOAD="$PWD/libwrapper.so" ./plain
grep -q ' calls, [1-9]' bare.out || fail "the wrapper was not called: $(cat bare.out)"
compile wrapped -Wl,--no-as-needed -L. -lwrapper -Wl,-rpath,"$PWD"
exact "$none" ./wrapped
