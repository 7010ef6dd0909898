// SPDX-License-Identifier: Apache-2.0
// ChildCache: the nodes of the call tree that were stepped to lately, by parent and program counter, for all processes
// of a recording. Direct-mapped: in front of three hash tables, each of which misses the processor's caches. Recorder
// side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace flarestack {

class ChildCache {
 public:
  struct Entry {
    uint64_t frame_bits = 0;  // of the target's FrameAddress
    StackId parent;
    ProcessId process;
    uint32_t generation = 0;
    StackId child;
  };

  // Where the node would be. Compare before use.
  Entry& at(ProcessId process, StackId parent, uint64_t frame_bits) {
    const uint64_t hash = (frame_bits * 0x9E3779B97F4A7C15) ^ (parent.value * uint64_t{0xC2B2AE3D27D4EB4F}) ^
                          (uint64_t{process.value} << 40);
    return entries_[hash >> (64 - kBits)];
  }

 private:
  static constexpr unsigned kBits = 14;
  std::vector<Entry> entries_ = std::vector<Entry>(size_t{1} << kBits);
};

}  // namespace flarestack
