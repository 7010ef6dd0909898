// SPDX-License-Identifier: Apache-2.0
// RegionRecorder: the regions of one process (docs/regions.md): what its threads have open, and what happened in them,
// by thread and region, until it is handed to the trace. Told of begins and ends by HeapRings, and of what is allocated
// and freed in between by HeapTracker. Recorder side; trusts neither the region table nor what a ring says.
//
// What there is grows with the number of regions and threads alone: sums are written each time that the recording has
// doubled in length, and spans that are too many to keep are merged with their neighbours of the same thread and
// region.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "profiler/recording_tables.h"
#include "trace/records.h"
#include "wire/session.h"

namespace flarestack {

class RegionRecorder {
 public:
  // Borrows both.
  RegionRecorder(SessionView session, RecordingTables& tables) : session_(session), tables_(tables) {}
  RegionRecorder(const RegionRecorder&) = delete;
  RegionRecorder& operator=(const RegionRecorder&) = delete;

  // What one thread has open. Part of whatever its ring is read into; outlived by the recorder.
  class Thread {
   public:
    Thread(RegionRecorder& regions, ThreadId thread) : regions_(regions), thread_(thread) {}

    RegionId innermost() const { return open_.empty() ? RegionId{} : open_.back().region; }
    // `depth`: from 1; what is open there or above has ended without a word.
    void begin(uint32_t node, uint32_t depth, int64_t time_ns);
    void end(uint32_t depth, int64_t time_ns);
    void tell(uint32_t node, int64_t value);
    // By the thread, of whosesoever block.
    void allocated(uint64_t blocks, uint64_t bytes);
    void freed(uint64_t blocks, uint64_t bytes);
    // The thread is gone, or nobody listens to it any more.
    void leave(int64_t time_ns);
    // When the longest open one of that name began; INT64_MAX: none is open.
    int64_t open_since(const std::string& name) const;

   private:
    struct Open {
      RegionId region;
      uint32_t total = 0;  // index in totals_
      int64_t start_ns = 0;
      int64_t nested_ns = 0;   // in regions within it
      int64_t live_bytes = 0;  // live_bytes_ when it began
      int64_t most_bytes = 0;  // since then
    };
    enum class Ending : uint8_t { kBySelf, kCut };
    void close(int64_t time_ns, Ending ending);

    RegionRecorder& regions_;
    ThreadId thread_;
    std::vector<Open> open_;
    int64_t live_bytes_ = 0;  // allocated by it minus freed by it, while it had a region open
  };

  // Of a node of the table; none: there is no such region.
  RegionId region_of(uint32_t node);
  // The name of a pool's node; empty: it is none.
  std::string pool_name(uint32_t node) const;

  // Hands sums over if it is time, or `always`, with all spans so far.
  void write(int64_t now_ns, bool always);
  uint64_t unfinished() const { return unfinished_; }
  uint64_t spans_merged() const { return spans_merged_; }

 private:
  bool read_node(uint32_t node, RegionNode& copy, std::string& name) const;
  uint32_t total_of(ThreadId thread, RegionId region);
  void add_span(const RegionSpanRecord& span);
  void merge_spans();

  SessionView session_;
  RecordingTables& tables_;
  std::vector<RegionId> by_node_;
  std::map<std::pair<ThreadId, RegionId>, uint32_t> total_by_key_;
  std::vector<RegionTotalsRecord> totals_;
  std::map<std::pair<ThreadId, RegionId>, RegionValueRecord> values_;
  std::vector<RegionSpanRecord> spans_;
  int64_t merge_gap_ns_ = 0;  // spans closer than this are one
  int64_t next_write_ns_ = 1'000'000'000;
  uint64_t unfinished_ = 0;
  uint64_t spans_merged_ = 0;
};

}  // namespace flarestack
