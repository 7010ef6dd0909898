// SPDX-License-Identifier: Apache-2.0
// The allocator that the exported malloc family forwards to: for each function the next definition behind ours in the
// program's own link order, which is what the program would have called without us.
#pragma once

#include <atomic>
#include <cstddef>

namespace flarestack::agent {

struct HeapProvider {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void* (*reallocarray)(void*, size_t, size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  void* (*valloc)(size_t);
  void* (*pvalloc)(size_t);

  void* (*mmap)(void*, size_t, int, int, int, long);
  void* (*mmap64)(void*, size_t, int, int, int, long);
  int (*munmap)(void*, size_t);
  void* mremap;  // of four or five arguments
  int (*brk)(void*);
  void* (*sbrk)(long);
};

extern HeapProvider heap_provider_table;
extern std::atomic<bool> heap_provider_resolved;
void resolve_heap_provider();

// Resolved at the first call, which the loader may make before any constructor ran. [hook]
inline const HeapProvider& heap_provider() {
  if (!heap_provider_resolved.load(std::memory_order_acquire)) [[unlikely]] {
    resolve_heap_provider();
  }
  return heap_provider_table;
}

// Some entries of the provider were hooked inline: from now on we call what they displaced. [init]
void settle_heap_provider();

}  // namespace flarestack::agent
