// SPDX-License-Identifier: Apache-2.0
// HeapHistory: what was live over time, by recorded stack, as far as a trace tells: at the end of each time slice, and
// at the instant of the peak within it. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"

namespace flarestack {

// By how much what one stack holds changes at one time.
struct HeapChange {
  int64_t time_ns = 0;
  uint32_t stack = kLostIndex;  // in Recording::stacks, or kNoIndex or kLostIndex
  int64_t bytes = 0;
};

// By time, of what passes the filters of `profile`, which is of a heap metric; without what the program mapped itself.
// With a range of time: all changes before its end, since what is live in it may have been allocated before.
std::vector<HeapChange> heap_history(const Profile& profile);

}  // namespace flarestack
