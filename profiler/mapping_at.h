// SPDX-License-Identifier: Apache-2.0
// The one mapping of a process at an address, while somebody waits for the answer: ProcessMaps::read() takes 0.1 ms and
// more. Recorder side.
#pragma once

#include <cstdint>
#include <optional>

namespace flarestack {

struct MappedRange {
  uint64_t start = 0;
  uint64_t end = 0;
  bool writable = false;
};

// None: nothing is mapped there, or the process is gone.
std::optional<MappedRange> mapping_at(int32_t pid, uint64_t address);

}  // namespace flarestack
