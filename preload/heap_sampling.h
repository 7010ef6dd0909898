// SPDX-License-Identifier: Apache-2.0
// Sampled heap recording: which allocations are looked at, and which blocks those are. Sampling points lie at random on
// the bytes that a thread allocates, on average one in SessionPage::heap_sample_bytes (a Poisson process, as tcmalloc's
// and Go's profilers have it); a block is sampled if a point falls on it.
#pragma once

#include <cstdint>

#include "preload/heap_thread.h"

namespace flarestack::agent {

// Maps the set of sampled blocks. False: no memory. [init], and in a fork's child
bool start_heap_sampling(uint64_t sample_bytes);
// Bytes up to the next sampling point; for a thread's first one. [hook]
int64_t next_sample_distance(HeapThread& heap);

// Whether the thread's next allocation is sampled. [hook]
inline bool takes_sample(HeapThread& heap, uint64_t size_bytes) {
  ++heap.allocations;
  heap.until_sample_bytes -= static_cast<int64_t>(size_bytes != 0 ? size_bytes : 1);
  if (heap.until_sample_bytes >= 0) [[likely]] {
    return false;
  }
  heap.until_sample_bytes = next_sample_distance(heap);
  return true;
}

// Whether a thread's next allocation is passed over, in which case nothing else is to be done for it. [hook]
inline bool passes_over(HeapThread& heap, uint64_t size_bytes) {
  const int64_t left = heap.until_sample_bytes - static_cast<int64_t>(size_bytes != 0 ? size_bytes : 1);
  if (left < 0) [[unlikely]] {
    return false;
  }
  heap.until_sample_bytes = left;
  ++heap.allocations;
  return true;
}

// Whether the block is among the sampled ones, perhaps. [hook]
bool may_be_sampled(uint64_t block);
// Enters a sampled block; false: there is no room, and its end would go unseen. [hook]
bool enter_sampled(uint64_t block);
// Takes a block out; false: it was not sampled. [hook]
bool leave_sampled(uint64_t block);

}  // namespace flarestack::agent
