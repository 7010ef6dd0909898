// SPDX-License-Identifier: Apache-2.0
// What of a heap each function allocated itself: as the leaf of the stack, inlined functions being functions. Offline
// side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct FunctionHeap {
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t temporary = 0;
  uint64_t peak_bytes = 0;
  uint64_t peak_blocks = 0;
  uint64_t live_bytes = 0;
  uint64_t live_blocks = 0;
  uint64_t leaked_bytes = 0;
  uint64_t leaked_blocks = 0;
};

// Of a metric that is a level: what was live, or lost.
uint64_t level_bytes(Metric metric, const FunctionHeap& function);
uint64_t level_blocks(Metric metric, const FunctionHeap& function);

// By function of the profile, which is of a heap metric; without what the program mapped itself.
std::vector<FunctionHeap> heap_by_function(const Profile& profile);

// A call path by which the program mapped memory itself.
struct MappedPath {
  uint32_t node = 0;  // in Profile::tree
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t live_bytes = 0;
};

// Those that mapped anything, by bytes, most first.
std::vector<MappedPath> mapped_paths(const Profile& profile);

}  // namespace flarestack
