// SPDX-License-Identifier: Apache-2.0
// FrameResolver: turns the program counters that one target writes into nodes of the recording's call tree. Recorder
// side; part of a TargetProcess.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "base/ids.h"
#include "profiler/module_map.h"
#include "profiler/recording_tables.h"

namespace flarestack {

class FrameResolver {
 public:
  // Borrows both.
  FrameResolver(ProcessId process, RecordingTables& tables, const ModuleMap& modules)
      : process_(process), tables_(tables), modules_(modules) {}

  // What is met from now on is met at that time, of the recording's.
  void set_time(int64_t time_ns) {
    time_ns_ = time_ns;
    if (code_changes_) {
      epoch_ = static_cast<uint32_t>(tables_.slice_start_ns(time_ns) / kEpochUnitNs) + 1;
    }
  }
  // A JIT compiler says in a jitdump what was where and when: from now on code that no module covers is another one in
  // each time slice, since other code may have taken its place.
  void expect_code_changes() { code_changes_ = true; }
  // 0: code does not change.
  uint32_t epoch() const { return epoch_; }

  // The node of a frame, given as FrameAddress bits, under `parent`. The agent's own frames (its thread start routine)
  // are none: what it called hangs on what called it.
  StackId child(StackId parent, uint64_t frame_bits, uint32_t generation) {
    generation += epoch_ * kEpochStep;
    ChildCache::Entry& entry = tables_.child_cache().at(process_, parent, frame_bits);
    if (entry.frame_bits == frame_bits && entry.parent == parent && entry.process == process_ &&
        entry.generation == generation) {
      return entry.child;
    }
    entry = {frame_bits, parent, process_, generation,
             find_child(parent, frame_bits, generation - epoch_ * kEpochStep)};
    return entry.child;
  }

  // Whether the frame is the agent's own code.
  bool is_agent(uint64_t frame_bits, uint32_t generation) const {
    const ModuleMap::Segment* segment = modules_.find(FrameAddress::from_bits(frame_bits).lookup(), generation);
    return segment != nullptr && segment->is_agent;
  }

  // The node that stands for `count` frames that are missing under `parent`.
  StackId elided_child(StackId parent) { return marker_child(parent, "[frames elided]"); }
  // Of ours, by that name.
  StackId marker_child(StackId parent, std::string_view name) {
    return tables_.stack(parent, tables_.named_frame(FrameKind::kMarker, name));
  }

 private:
  static constexpr int64_t kEpochUnitNs = 10'000'000;  // the shortest slice
  static constexpr uint32_t kEpochStep = 0x10001;      // keeps generations of different epochs apart in the cache

  StackId find_child(StackId parent, uint64_t frame_bits, uint32_t generation);

  ProcessId process_;
  RecordingTables& tables_;
  const ModuleMap& modules_;
  absl::flat_hash_map<uint64_t, FrameId> frames_;  // by FrameAddress bits, of one generation
  uint32_t frames_generation_ = 0;
  uint32_t frames_epoch_ = 0;
  int64_t time_ns_ = 0;
  bool code_changes_ = false;
  uint32_t epoch_ = 0;
};

}  // namespace flarestack
