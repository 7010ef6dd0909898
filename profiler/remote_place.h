// SPDX-License-Identifier: Apache-2.0
// Where memory of ours goes in a process. Recorder side.
#pragma once

#include <cstdint>
#include <utility>

#include "profiler/process_maps.h"

namespace flarestack {

// A free place for `size_bytes` where the program's next mappings do not go: 2 TiB below where the kernel puts them, as
// the agent's own (map_apart() in preload/system.cc). 0, the kernel's choice, where there is none.
uint64_t place_apart(const ProcessMaps& maps, uint64_t size_bytes);

// [start, end) in which those places are, also those that were chosen before the first thread's stack grew.
std::pair<uint64_t, uint64_t> memory_apart(const ProcessMaps& maps);

}  // namespace flarestack
