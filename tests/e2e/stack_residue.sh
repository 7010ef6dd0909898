#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the allocator's hooks leave on the stack is no reference to the block: the words below the program's frames that
# hold its address are no more than without us. (The leak scan would call a block that is lost reachable.)
source "$(dirname "$0")/lib.sh"

cxx_program residue -fno-stack-protector <<'C'
#include <malloc.h>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#define SITE __attribute__((noinline))
constexpr int kWords = 2000;
// The address leaves as its complement, so that this program's frames do not hold it either.
SITE uintptr_t hide(void* block) { return ~reinterpret_cast<uintptr_t>(block); }
SITE uintptr_t by_malloc() { return hide(malloc(70)); }
SITE uintptr_t by_calloc() { return hide(calloc(7, 10)); }
SITE uintptr_t by_realloc_of_null() { return hide(realloc(nullptr, 70)); }
SITE uintptr_t by_realloc() { return hide(realloc(malloc(20), 70)); }
SITE uintptr_t by_reallocarray() { return hide(reallocarray(malloc(20), 7, 10)); }
SITE uintptr_t by_aligned_alloc() { return hide(aligned_alloc(64, 128)); }
SITE uintptr_t by_posix_memalign() {
  static void* block;
  if (posix_memalign(&block, 64, 128) != 0) return 0;
  const uintptr_t hidden = hide(block);
  block = nullptr;
  return hidden;
}
SITE uintptr_t by_new() { return hide(operator new(70)); }
SITE uintptr_t by_nothrow_new() { return hide(operator new[](70, std::nothrow)); }
// The same address again, after it was given back.
SITE uintptr_t again() {
  free(malloc(70));
  return hide(malloc(70));
}
SITE void clear() {
  volatile uintptr_t words[kWords];
  for (int i = 0; i < kWords; ++i) words[i] = 0;
  asm volatile("" : : "r"(words) : "memory");
}
SITE int count(uintptr_t hidden) {
  volatile uintptr_t words[kWords];
  int found = 0;
  asm volatile("" : : "r"(words) : "memory");
  for (int i = 0; i < kWords; ++i) found += ~words[i] == hidden;
  return found;
}
int main(int argc, char** argv) {
  // With two threads every event has its place in an order.
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::thread other;
  if (argc > 1 && *argv[1] == '2') {
    std::atomic<bool> began{false};
    other = std::thread([&] {
      free(malloc(70));
      began = true;
      std::lock_guard waits(mutex);
    });
    while (!began) std::this_thread::yield();
  }
  struct { const char* name; uintptr_t (*site)(); } sites[] = {
      {"malloc", by_malloc}, {"calloc", by_calloc}, {"realloc of null", by_realloc_of_null}, {"realloc", by_realloc},
      {"reallocarray", by_reallocarray}, {"aligned_alloc", by_aligned_alloc}, {"posix_memalign", by_posix_memalign},
      {"new", by_new}, {"nothrow new", by_nothrow_new}, {"again", again}};
  for (auto& site : sites) {
    int most = 0;
    for (int round = 0; round < 20; ++round) {  // the first ones bind symbols
      clear();
      const uintptr_t hidden = site.site();
      const int found = count(hidden);
      if (round > 4 && found > most) most = found;
    }
    std::printf("%s: %d\n", site.name, most);
  }
  lock.unlock();
  if (other.joinable()) other.join();
}
C

./residue 1 >bare.txt
# Something is found, or the program looks at the wrong place.
grep -q ': [1-9]' bare.txt || fail "the program finds nothing of its allocator's: $(cat bare.txt)"
for threads in 1 2; do
  "$FLARESTACK" record --quiet -o t.flare -- ./residue "$threads" >recorded.txt
  paste -d: bare.txt recorded.txt | awk -F: '{ if ($4 + 0 > $2 + 0) { print; more = 1 } } END { exit more }' >more.txt ||
    fail "with $threads threads more addresses are left on the stack (bare, recorded): $(cat more.txt)"
done
