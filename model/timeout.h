// SPDX-License-Identifier: Apache-2.0
// What the threads of a run whose time ran out were doing (`record --timeout`), those in one place together. Offline
// side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/profile.h"

namespace flarestack {

// Threads of one process with the same stack, in the same state.
struct TimeoutGroup {
  std::vector<uint32_t> threads;  // in Recording::threads
  ThreadState state = ThreadState::kRunning;
  bool truncated = false;           // the root was not reached
  std::vector<uint32_t> locations;  // in Profile::locations, innermost first; empty: the stack could not be had
};

// The largest first. Empty: the time did not run out.
std::vector<TimeoutGroup> timeout_groups(const Profile& profile);

const char* thread_state_name(ThreadState state);  // "running", "sleeping", ...

}  // namespace flarestack
