// SPDX-License-Identifier: Apache-2.0
// MemoryLook: what the kernel says of a target's memory, looked at now and then beside the recording of its heap, so
// that the gap between the two can be told as numbers. Recorder side; part of a TargetProcess.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/records.h"

namespace flarestack {

// What of a process's memory only its recorder can tell.
struct MemoryOwners {
  std::vector<std::pair<uint64_t, uint64_t>> stacks;  // [low, high) of threads
  std::vector<std::pair<uint64_t, uint64_t>> mapped;  // that the program mapped itself
  std::pair<uint64_t, uint64_t> own;                  // the agent's
};

// The resident bytes of /proc/PID/smaps by owner; into the parts of `record`. A mapping belongs as a whole to the owner
// of its first page, or of the first of `owners` that begins inside it.
void split_resident_memory(std::string_view smaps, const MemoryOwners& owners, MemoryRecord& record);

class MemoryLook {
 public:
  explicit MemoryLook(int32_t pid) : pid_(pid) {}

  // Whether it is time for another look.
  bool is_due(int64_t now_ns) const { return now_ns >= next_ns_; }
  // Fills `record` but for process and heap; false: the process is gone. The parts are looked at when the whole has
  // grown by an eighth, and only as often as takes a hundredth of a processor: the kernel walks all page tables for
  // them.
  bool look(int64_t now_ns, const MemoryOwners& owners, MemoryRecord& record);

 private:
  int32_t pid_;
  int64_t next_ns_ = 0;
  int64_t next_split_ns_ = 0;
  uint64_t rss_at_split_ = 0;
};

}  // namespace flarestack
