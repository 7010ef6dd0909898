#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Memory that a program maps itself is apart from its heap: counted in a section of its own, by pages, with moves, partial
# and failing unmappings, and not in the heap's totals. What the allocator maps for big blocks is none of it.
source "$(dirname "$0")/lib.sh"

cc_program mapped $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
SITE void* site_heap(size_t size) { return GOT(malloc(size), size); }
enum { kPage = 4096 };
static int64_t live, peak, all, count;
static void changed(int64_t bytes) { live += bytes; if (live > peak) peak = live; }
SITE char* site_maps(size_t size) {
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) _exit(3);
  const int64_t bytes = (int64_t)((size + kPage - 1) / kPage * kPage);
  ++count;
  all += bytes;
  changed(bytes);
  return memory;
}
SITE void unmap(char* memory, size_t size, int64_t was_live) { if (munmap(memory, size) != 0) _exit(4); changed(-was_live); }
int main(void) {
  void* block = site_heap(100);
  for (int i = 1; i <= 50; ++i) {
    char* memory = site_maps((size_t)i * 1000);
    if (i % 2 == 0) unmap(memory, (size_t)i * 1000, (i * 1000 + kPage - 1) / kPage * kPage);
  }
  char* big = site_maps(100 * kPage);
  unmap(big + 10 * kPage, 20 * kPage, 20 * kPage);  // a hole
  unmap(big, 100 * kPage, 80 * kPage);              // and all of it, the hole too
  // Fixed over what is there: the old is gone.
  char* under = site_maps(10 * kPage);
  if (mmap(under, 4 * kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != under) _exit(5);
  ++count;
  all += 4 * kPage;
  // Moved and grown: one away, one new.
  char* moved = site_maps(8 * kPage);
  moved = mremap(moved, 8 * kPage, 64 * kPage, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) _exit(6);
  ++count;
  all += 64 * kPage;
  changed(56 * kPage);
  // Failures are nothing; neither is reserved address space.
  if (mmap(NULL, (size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) _exit(7);
  if (mremap(moved, 64 * kPage, (size_t)1 << 62, MREMAP_MAYMOVE) != MAP_FAILED || mmap(NULL, 0, 0, 0, -1, 0) != MAP_FAILED) _exit(8);
  if (mmap(NULL, 1000 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) _exit(9);
  // The allocator's own mappings, heaps and trimming.
  for (int i = 0; i < 20; ++i) give(site_heap((size_t)1 << 22));
  void* kept = site_heap((size_t)1 << 21);
  malloc_trim(0);
  give(block);
  give(kept);
  char line[200];
  const int length = snprintf(line, sizeof line, "%ld %ld %ld %ld\n", (long)count, (long)all, (long)peak, (long)live);
  return write(1, line, (size_t)length) == length ? 6 : 1;
}
C
heap_truth --peak -- ./mapped
"$FLARESTACK" report --metric allocated --format json t.flare >r.json
read -r count all peak live <bare.out
json_true r.json "d['heap']['mapped']['mappings'] == $count" "$count mappings"
json_true r.json "d['heap']['mapped']['mapped_bytes'] == $all" "$all bytes"
json_true r.json "$live <= d['heap']['mapped']['peak_bytes'] <= $peak" "at most $peak bytes at the ends of time slices"
json_true r.json "d['heap']['mapped']['live_bytes_at_end'] == $live" "$live bytes at the end"
json_true r.json "'site_maps' in str(d['heap']['mapped']['paths'])" "whose they are"

cc_program breaks $TRUTH_FLAGS <<'C'
#include "truth.h"
#include <errno.h>
SITE void* site_heap(size_t size) { return GOT(malloc(size), size); }
SITE char* site_sbrk(long size) { return (char*)sbrk(size); }
int main(void) {
  void* block = site_heap(50);
  for (int i = 0; i < 10; ++i) if (site_sbrk(10000) == (void*)-1) _exit(3);
  if (site_sbrk(-30000) == (void*)-1 || site_sbrk(0) == (void*)-1) _exit(4);
  if (site_sbrk((long)1 << 60) != (void*)-1 || errno != ENOMEM) _exit(5);
  for (int i = 0; i < 100; ++i) give(site_heap(5000));
  give(block);
  return 6;
}
C
heap_truth --peak -- ./breaks
"$FLARESTACK" report --metric allocated --format json t.flare >r.json
json_true r.json "d['heap']['mapped']['mappings'] == 10 and 'site_sbrk' in str(d['heap']['mapped']['paths'])" "sbrk maps"
json_true r.json "100000 <= d['heap']['mapped']['mapped_bytes'] <= 10 * 3 * 4096" "whole pages of it"
