#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program that keeps an account of its own heap, by allocating function, and the reports of its recording say the same to
# the last block: every function of C's family and form of operator new and delete, reallocations of each kind, failures,
# temporary allocations, and the peak.
source "$(dirname "$0")/lib.sh"

cc_program family $TRUTH_FLAGS -Wno-alloc-size-larger-than <<'C'
#include "truth.h"
#include <errno.h>
#include <malloc.h>
static volatile size_t huge = (size_t)1 << 62;
SITE void* site_malloc(size_t size) { return GOT(malloc(size), size); }
SITE void* site_calloc(size_t count, size_t size) { return GOT(calloc(count, size), count * size); }
SITE void* site_realloc(void* old, size_t size) { return REALLOC(old, size, realloc(old, size)); }
SITE void* site_reallocarray(void* old, size_t count, size_t size) { return REALLOC(old, count * size, reallocarray(old, count, size)); }
SITE void* site_overflow(void* old) { return REALLOC(old, huge, reallocarray(old, huge, 16)); }
SITE void* site_posix_memalign(size_t alignment, size_t size) {
  void* block = NULL;
  return GOT(posix_memalign(&block, alignment, size) == 0 ? block : NULL, size);
}
SITE void* site_aligned_alloc(size_t alignment, size_t size) { return GOT(aligned_alloc(alignment, size), size); }
SITE void* site_memalign(size_t alignment, size_t size) { return GOT(memalign(alignment, size), size); }
SITE void* site_valloc(size_t size) { return GOT(valloc(size), size); }
SITE void* site_pvalloc(size_t size) { return GOT(pvalloc(size), size); }
static unsigned seed = 1;
static unsigned number(unsigned below) { return (seed = seed * 1664525 + 1013904223) / 65536 % below; }
static void must(int good, int line) { if (!good) { printf("line %d\n", line); exit(3); } }
#define MUST(what) must(what, __LINE__)
int main(void) {
  void* keep[64] = {0};
  for (int i = 0; i < 20000; ++i) {  // mixed lives
    void** slot = &keep[number(64)];
    switch (number(9)) {
      case 0: case 1: case 2: give(*slot); *slot = site_malloc(number(5000)); break;
      case 3: give(*slot); *slot = site_calloc(number(20), number(90)); break;
      case 4: *slot = site_realloc(*slot, 1 + number(3000)); break;
      case 5: *slot = site_reallocarray(*slot, 1 + number(30), 1 + number(300)); break;
      case 6: give(site_malloc(24)); break;                  // temporary
      case 7: give(*slot); *slot = NULL; break;
      default: give(*slot); *slot = site_memalign(16u << number(7), number(3000));
    }
  }
  // Failures are nothing, and what failed to grow is still there.
  MUST(site_malloc(huge) == NULL && errno == ENOMEM);
  MUST(site_calloc(huge, 16) == NULL && site_calloc(huge, 1) == NULL);
  void* stays = site_malloc(321);
  MUST(site_realloc(stays, huge) == NULL && site_overflow(stays) == NULL && site_realloc(NULL, huge) == NULL);
  MUST(site_posix_memalign(3, 100) == NULL && site_posix_memalign(64, huge) == NULL);
  MUST(site_aligned_alloc(64, huge) == NULL && site_memalign(64, huge) == NULL && site_valloc(huge) == NULL && site_pvalloc(huge) == NULL);
  // Nothing, and of no bytes.
  free(NULL);
  MUST(site_realloc(site_malloc(10), 0) == NULL);            // in glibc a deallocation
  void* empty = site_realloc(NULL, 0);
  MUST(empty != NULL);
  for (int i = 0; i < 10; ++i) MUST(site_malloc(0) != NULL);
  give(site_calloc(0, 8));
  give(empty);
  // Chains: in place and moved, through the mmap threshold and back.
  void* chain = NULL;
  for (size_t size = 1; size < 3000000; size = size * 3 / 2 + 1) chain = site_realloc(chain, size);
  for (size_t size = 3000000; size > 10; size /= 2) chain = site_realloc(chain, size);
  for (int i = 0; i < 30; ++i) {
    give(site_posix_memalign(64, 100 + i));
    void* block = site_aligned_alloc(4096, 8192);
    give(site_valloc(10));
    give(block);
    if (i % 3 == 0) site_pvalloc(10);
  }
  return 0;
}
C
heap_truth --peak -- ./family
json_true <("$FLARESTACK" report --metric live --format json t.flare) 'd["heap"]["live_blocks_at_end"] > 40' "blocks stay"

cxx_program operators $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <memory>
#include <new>
#include <vector>
static volatile size_t huge = size_t{1} << 62;
using enum std::align_val_t;
constexpr std::align_val_t k64{64};
SITE void* site_new(size_t size) { return GOT(::operator new(size), size); }
SITE void* site_new_array(size_t size) { return GOT(::operator new[](size), size); }
SITE void* site_new_nothrow(size_t size) { return GOT(::operator new(size, std::nothrow), size); }
SITE void* site_new_array_nothrow(size_t size) { return GOT(::operator new[](size, std::nothrow), size); }
SITE void* site_new_aligned(size_t size) { return GOT(::operator new(size, k64), size); }
SITE void* site_new_array_aligned(size_t size) { return GOT(::operator new[](size, k64), size); }
SITE void* site_new_aligned_nothrow(size_t size) { return GOT(::operator new(size, k64, std::nothrow), size); }
SITE void* site_new_array_aligned_nothrow(size_t size) { return GOT(::operator new[](size, k64, std::nothrow), size); }
int main() {
  void* (*const forms[])(size_t) = {site_new, site_new_array, site_new_nothrow, site_new_array_nothrow, site_new_aligned,
                                    site_new_array_aligned, site_new_aligned_nothrow, site_new_array_aligned_nothrow};
  for (int form = 0; form < 8; ++form) {
    for (int way = 0; way < 13; ++way) {
      const size_t size = 64 * (way + 1);
      void* block = forms[form](size);
      if (way % 4 == 3) give(forms[7 - form](10));
      truth_gives(block);
      // What a plain operator made may be freed by any plain one, and so the aligned ones; 12: it stays.
      const bool aligned = form >= 4;
      switch (way % 6 + (aligned ? 6 : 0) + (way == 12 ? 100 : 0)) {
        case 0: ::operator delete(block); break;
        case 1: ::operator delete[](block); break;
        case 2: ::operator delete(block, size); break;
        case 3: ::operator delete[](block, size); break;
        case 4: ::operator delete(block, std::nothrow); break;
        case 5: ::operator delete[](block, std::nothrow); break;
        case 6: ::operator delete(block, k64); break;
        case 7: ::operator delete[](block, k64); break;
        case 8: ::operator delete(block, size, k64); break;
        case 9: ::operator delete[](block, size, k64); break;
        case 10: ::operator delete(block, k64, std::nothrow); break;
        case 11: ::operator delete[](block, k64, std::nothrow); break;
        default: ::free(block);
      }
    }
    if (form / 2 % 2 == 1 && forms[form](huge) != nullptr) return 3;
  }
  return 0;
}
C
heap_truth --unknown '^libstdc|^_GLOBAL__|pool|^__cxa_allocate_exception' -- ./operators
