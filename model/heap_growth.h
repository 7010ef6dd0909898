// SPDX-License-Identifier: Apache-2.0
// HeapGrowth: the call paths whose live bytes keep growing, for programs that do not end, apart from those that grew at
// first and have levelled off (caches). From the time slices of a profile of a heap metric; what a leak check says of
// the same paths adds the age of their blocks. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/growth_fit.h"
#include "model/profile.h"

namespace flarestack {

struct GrowingPath {
  uint32_t process = kNoIndex;  // in Recording::processes
  std::vector<uint32_t> path;   // in Profile::locations, innermost first
  GrowthFit fit;
  uint64_t live_bytes = 0;  // at the end
  uint64_t live_blocks = 0;
  int64_t oldest_age_ns = -1;  // of its blocks at the process's last leak check; -1: there was none
};

// A process that was observed for long enough.
struct ProcessGrowth {
  uint32_t process = kNoIndex;
  double bytes_per_second = 0;  // of its growing paths
  uint64_t resident_bytes = 0;  // at the last look; 0: unknown
  double seconds_left = -1;     // until `memory_bytes` are resident at this rate; -1: unknown, or nothing grows
};

struct HeapGrowth {
  std::vector<GrowingPath> growing;   // by rate, fastest first
  std::vector<GrowingPath> levelled;  // by live bytes, most first
  std::vector<ProcessGrowth> processes;
  uint64_t memory_bytes = 0;  // as asked
};

// `memory_bytes`: what a process may use; 0: unknown.
HeapGrowth find_growth(const Profile& profile, uint64_t memory_bytes);

}  // namespace flarestack
