// SPDX-License-Identifier: Apache-2.0
// TraceBuilder: makes a trace of what another tool's output says. Names, frames and stacks become records as they are
// met; weights are summed by (event, thread, stack, time slice) and become records at the end, when it is known which
// event counts and what a unit of it is worth. Offline side; one thread.
//
// What it keeps grows with what is distinct in the input, not with its length: slices double in length when there are
// more than kMaxWeights sums, and full() says when there are too many different names, frames or stacks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "importer/text_table.h"
#include "trace/records.h"
#include "trace/writer.h"

namespace flarestack {

class TraceBuilder {
 public:
  static constexpr size_t kMaxWeights = size_t{1} << 22;
  static constexpr uint32_t kMaxIds = 1U << 24;             // of each kind
  static constexpr size_t kMaxTextBytes = size_t{1} << 30;  // of all names together
  static constexpr uint32_t kMaxInlineDepth = 60;           // below what readers accept
  static constexpr uint32_t kMaxEvents = 64;

  explicit TraceBuilder(TraceWriter& writer) : writer_(writer) {}  // borrowed

  // First of all, once.
  void begin(const SessionRecord& session) { writer_.add(session); }

  StringId string(std::string_view text);
  ModuleId module(std::string_view path, std::span<const uint8_t> build_id = {});
  // The frame that says this, whatever its id.
  FrameId frame(FrameRecord record);
  // Frames of one address, innermost first, none of them with an `inlined_into`: each becomes inlined into the next.
  // Appends the one frame that then stands for all; where they are more than readers take, several.
  void add_address(std::span<FrameRecord> frames, std::vector<FrameId>& leaf_first);
  StackId stack(StackId parent, FrameId frame);
  // Of frames leaf first; no frames: none.
  StackId stack_of(std::span<const FrameId> leaf_first);
  // The process of a pid and, where pids are unknown, of a name.
  ProcessId process(int32_t pid, std::string_view name, int64_t time_ns);
  void rename(ProcessId process, std::string_view name);
  // A thread of it. The last name stays.
  ThreadId thread(ProcessId process, int32_t tid, std::string_view name, int64_t time_ns);

  // Before the first weight: all that is known of times is how long it all took.
  void set_whole_time(int64_t duration_ns);
  // Of an event below kMaxEvents. Times before 0 count as 0.
  void add_weight(uint32_t event, ThreadId thread, StackId stack, int64_t time_ns, uint64_t count, uint64_t units);
  void add_allocation(AllocationRecord record) { writer_.add(record); }
  TraceWriter& writer() { return writer_; }

  bool full() const;

  // Processes, threads, and the weights of these events.
  struct EventMeaning {
    uint32_t event = 0;
    SampleMetric metric = SampleMetric::kCpu;
    double ns_per_unit = 1;
    bool by_count = false;  // a unit is a sample, whatever was added up
  };
  void write_weights(std::span<const EventMeaning> events);
  void note(const std::string& text) { writer_.add(NoteRecord{{}, text}); }
  // Last of all. Error: the trace could not be written.
  Result<void> end(int64_t duration_ns);

 private:
  struct FrameKey {
    uint64_t name_and_file = 0;
    uint64_t lines = 0;
    uint64_t module_and_outer = 0;
    FrameKind kind = FrameKind::kNative;
    bool operator==(const FrameKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H hash, const FrameKey& key) {
      return H::combine(std::move(hash), key.name_and_file, key.lines, key.module_and_outer, key.kind);
    }
  };
  struct Weight {
    uint64_t count = 0;
    uint64_t units = 0;
  };
  using WeightKey = std::pair<uint64_t, uint64_t>;  // thread and stack; slice and event

  void double_slices();

  TraceWriter& writer_;
  size_t text_bytes_ = 0;
  TextTable<StringId> strings_;
  TextTable<ModuleId> modules_;
  absl::flat_hash_map<FrameKey, FrameId> frames_;
  std::vector<uint8_t> inline_depths_ = {0};  // by frame id
  absl::flat_hash_map<uint64_t, StackId> stacks_;
  absl::flat_hash_map<std::pair<int32_t, std::string>, ProcessId> process_ids_;
  absl::flat_hash_map<uint64_t, ThreadId> thread_ids_;
  std::vector<ProcessRecord> processes_;
  std::vector<ThreadRecord> threads_;
  absl::flat_hash_map<WeightKey, Weight> weights_;
  int64_t slice_length_ns_ = 10'000'000;
  bool has_times_ = false;
};

}  // namespace flarestack
