// SPDX-License-Identifier: Apache-2.0
// HeapSummary: the heap of the chosen processes in numbers. Offline side.
//
// Several processes: counts and what is live are sums; the peak is the sum of what each process held at its own peak,
// and peak_time_ns that of the process with the greatest one. The range is that of HeapCells. What cannot be told apart
// by call path (looks at the kernel's account, counters) is of the chosen processes, whatever the other filters.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "model/profile.h"

namespace flarestack {

struct SizeClassUse {
  uint64_t least_bytes = 0;  // of a block, inclusive both
  uint64_t most_bytes = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
};

// Mapped by the program itself, with mmap and the like.
struct MappedUse {
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  // The most that was mapped at the end of a time slice, each process at its own; with a filter by function, what was
  // mapped at the heap's peak.
  uint64_t peak_bytes = 0;
  uint64_t live_bytes_at_end = 0;
};

// The looks at processes' memory in the range, and the one that had most resident.
struct MemoryUse {
  std::vector<RecordedMemory> timeline;  // by time
  bool known = false;
  RecordedMemory peak;  // the greatest RSS of one process
  // Of `peak`: resident and in no mapping that is told apart, without what live blocks asked for: what the allocator
  // caches, loses to fragmentation and needs for its own.
  uint64_t allocator_overhead_bytes = 0;
  uint64_t minor_faults = 0;  // of the whole run, all chosen processes
  uint64_t major_faults = 0;
};

struct HeapSummary {
  HeapMode mode = HeapMode::kNone;
  uint64_t sample_bytes = 0;
  uint64_t allocations = 0;
  uint64_t deallocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t deallocated_bytes = 0;
  uint64_t temporary_allocations = 0;
  uint64_t peak_bytes = 0;
  uint64_t peak_blocks = 0;
  int64_t peak_time_ns = 0;
  uint64_t live_bytes_at_end = 0;
  uint64_t live_blocks_at_end = 0;
  std::vector<SizeClassUse> sizes;                     // those that occur, ascending
  std::array<uint64_t, kLifetimeClasses> lifetimes{};  // deallocations, by kLifetimeBoundsNs
  uint32_t processes = 0;                              // with a heap
  // 95 % confidence: the true number is within so much of the one above; 0 in an exact recording.
  double allocations_confidence = 0;
  double allocated_bytes_confidence = 0;
  MappedUse mapped;
  MemoryUse memory;
  uint64_t heap_events = 0;
  uint64_t heap_events_lost = 0;
  uint64_t foreign_frees = 0;
  uint64_t ambiguous_frees = 0;
  uint64_t heap_stacks_truncated = 0;
  uint64_t heap_stacks_heuristic = 0;
  uint64_t heap_stacks_elided = 0;
  uint64_t negative_sums = 0;  // more freed than allocated; counted as 0
};

// Of a heap metric's profile: what passed all its filters. Of another one's: all that its process, thread and time
// filters let through.
HeapSummary summarize_heap(const Profile& profile);

// What the class of a block says of its size: 16 and 31 of class 5.
uint64_t least_size_of_class(uint8_t size_class);
uint64_t greatest_size_of_class(uint8_t size_class);

}  // namespace flarestack
