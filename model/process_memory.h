// SPDX-License-Identifier: Apache-2.0
// ProcessMemory: the memory of each process over time, for formats that draw lines of it: what of its heap was live,
// and what was resident. Of whole processes, whatever their threads and functions. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"

namespace flarestack {

struct MemoryLevel {
  int64_t time_ns = 0;
  uint64_t bytes = 0;
};

struct ProcessMemory {
  uint32_t process = 0;                // in Recording::processes
  std::vector<MemoryLevel> live_heap;  // by time: at the ends of time slices, and at the peak within each
  std::vector<MemoryLevel> resident;   // by time
};

// Of the processes that the profile's filters choose and that have any of it in the range of time.
std::vector<ProcessMemory> process_memory(const Profile& profile);

}  // namespace flarestack
