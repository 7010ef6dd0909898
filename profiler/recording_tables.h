// SPDX-License-Identifier: Apache-2.0
// RecordingTables: the ids of one recording. Strings, modules, frames, the call tree and the weights of the current
// time window are kept here; definitions go to the trace writer as they are made, weights at each flush. Recorder side.
//
// A weight belongs to (thread, stack, metric, region, slice). Slices double in length as a run goes on, so that the
// trace grows with the number of distinct call paths and not with time: after every kWindowsPerDoubling windows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/jit_dump.h"
#include "profiler/child_cache.h"
#include "trace/records.h"
#include "trace/writer.h"

namespace flarestack {

// When code that no module covers was met: `epoch` is 0 where code does not change.
struct CodeTime {
  int64_t time_ns = 0;
  uint32_t epoch = 0;
};

class RecordingTables {
 public:
  explicit RecordingTables(TraceWriter& writer) : writer_(writer) {}  // borrowed

  StringId string(std::string_view text);
  ModuleId module(const std::string& path, const std::vector<uint8_t>& build_id);
  // The module of that build id, wherever its file was found, or a new one.
  ModuleId module_by_build_id(const std::string& path, const std::vector<uint8_t>& build_id);
  FrameId native_frame(ModuleId module, ModuleOffset offset, AddressKind kind);
  // An address that no module covered: JIT code, perhaps. Each process has its own.
  // Another one in each epoch; the first time counts.
  FrameId unknown_frame(ProcessId process, RuntimeAddress address, AddressKind kind, CodeTime when = {});
  FrameId named_frame(FrameKind kind, std::string_view name);
  // Frames of no module so far. Grows when there are new ones.
  size_t unknown_frames() const { return unknown_.size(); }
  // Asks for the place of each unknown frame of a process, by the address to look up: it becomes a frame of that
  // module. No module: it stays unknown.
  struct Place {
    ModuleId module;
    ModuleOffset offset;  // of the address asked for
  };
  void locate_unknown_frames(ProcessId process, const std::function<Place(RuntimeAddress)>& place_of);
  // Asks for the names of all unknown frames of a process together; an empty one leaves its frame unknown. Times are
  // relative to the recording's.
  struct UnknownFrame {
    RuntimeAddress lookup;
    int64_t time_ns = 0;
  };
  using Namer = std::function<std::vector<JitPlace>(std::span<const UnknownFrame>)>;
  void name_unknown_frames(ProcessId process, const Namer& name_them);

  // The call tree node of `frame` called from `parent` (none: a root).
  StackId stack(StackId parent, FrameId frame);
  ChildCache& child_cache() { return child_cache_; }

  ProcessId next_process() { return {++last_process_}; }
  // What they have grown by since they were last told of the process (none: of the recording).
  void add_counters(ProcessId process, const std::map<std::string, uint64_t>& counters);
  // Its counters, and its end.
  void end_process(const ProcessEndRecord& end, const std::map<std::string, uint64_t>& counters);
  // `name` within `parent` (none: an outermost one); none: there are too many.
  RegionId region(RegionId parent, RegionKind kind, const std::string& name);
  const std::string& region_name(RegionId region) const { return region_names_.at(region.value); }
  ThreadId next_thread() { return {++last_thread_}; }

  // The start of the time slice that `time_ns` is in: weights are no finer.
  int64_t slice_start_ns(int64_t time_ns) const { return time_ns / slice_length_ns_ * slice_length_ns_; }
  void add_weight(ThreadId thread, StackId stack, SampleMetric metric, int64_t time_ns, uint64_t count,
                  uint64_t weight_ns, RegionId region = {});

  // Ends the time window if `now_ns` is past it, or `always`: its weights go to the writer, which is flushed.
  Result<void> flush_window(int64_t now_ns);
  Result<void> flush();
  // The same within a window, which goes on.
  Result<void> flush_so_far();
  TraceWriter& writer() { return writer_; }

 private:
  struct Key {
    uint64_t high = 0;
    uint64_t low = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept {
      // Mixing by multiplication (Fibonacci hashing); std::hash is the identity for integers.
      return static_cast<size_t>((key.high * 0x9E3779B97F4A7C15) ^ ((key.low + 0x7F4A7C15) * 0xC2B2AE3D27D4EB4F) ^
                                 (key.low >> 29));
    }
  };
  struct Weight {
    uint64_t count = 0;
    uint64_t weight_ns = 0;
  };

  FrameId add_frame(FrameRecord record);

  TraceWriter& writer_;
  std::unordered_map<std::string, StringId> strings_;
  std::unordered_map<std::string, ModuleId> modules_;
  absl::flat_hash_map<Key, FrameId, KeyHash> frames_;
  struct Unknown {
    FrameRecord record;
    int64_t time_ns = 0;
  };
  std::unordered_map<Key, Unknown, KeyHash> unknown_;  // by process, kind and epoch, and address
  absl::flat_hash_map<uint64_t, StackId> stacks_;
  absl::flat_hash_map<Key, Weight, KeyHash> weights_;
  std::map<ProcessId, std::map<std::string, uint64_t>> counters_;  // as they were last told
  std::map<std::tuple<RegionId, RegionKind, std::string>, RegionId> regions_;
  std::vector<std::string> region_names_ = {std::string()};  // by RegionId
  ChildCache child_cache_;
  uint32_t last_process_ = 0;
  uint32_t last_thread_ = 0;
  uint32_t last_frame_ = 0;

  int64_t slice_length_ns_ = 10'000'000;
  int64_t window_start_ns_ = 0;
  uint32_t windows_ = 0;
};

}  // namespace flarestack
