// SPDX-License-Identifier: Apache-2.0
// A module as the agent knows it, and how the recorder is told of it. Part of modules.cc.
#pragma once

#include <link.h>

#include <cstdint>

#include "unwind/module_snapshot.h"

namespace flarestack::agent {

inline constexpr uint32_t kSegmentsPerModule = 4;

// A module as the loader lists it.
struct KnownModule {
  uint64_t bias;
  const void* dynamic;  // with the bias: its identity between two events of the loader
  uint32_t id;
  uint32_t segment_count;
  bool present;
  UnwindModule segments[kSegmentsPerModule];
  uint64_t build_id_address;
  uint32_t build_id_bytes;
  const link_map* map;
};

// Writes to the module log; waits for room, at most a second. Under the loader's lock, or before a second thread
// exists. [hook]
void log_added(const KnownModule& module, uint64_t generation);
void log_removed(const KnownModule& module, uint64_t generation);

}  // namespace flarestack::agent
