// SPDX-License-Identifier: Apache-2.0
// LiveProfile: a recording seen while it is made: what functions, allocation sites and threads cost since the watching
// began ("the whole") and in the last few seconds ("now"). Fed with the records of a trace that is followed; keeps sums
// and drops the records. Offline side; one thread.
//
// What a sample costs is one walk to its root, when it comes in; a look at the result costs as much as there are
// functions. Time goes by what the trace says (the counter `recorded_ns`), in buckets of a fifth of the window, so that
// whoever reads late, after a pause, gets the same numbers.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/call_tree.h"
#include "model/frame_locations.h"
#include "model/index_table.h"
#include "model/live_view.h"
#include "model/profile.h"
#include "model/recording.h"

namespace flarestack {

class LiveProfile {
 public:
  static constexpr int64_t kBuckets = 5;  // of the window, and the one that fills

  // Asks `symbols` for names, now and then.
  LiveProfile(SymbolSource symbols, int64_t window_ns);

  void add(const TraceRecord& record) { builder_.add(record); }
  // Takes in what was added since. What has no name yet waits for a call with kAsk.
  enum class Names : uint8_t { kAsk, kWait };
  void update(Names names);
  // What was so far is no more part of the whole. Live bytes stay what they are.
  void reset();

  // Borrows the functions until the next update().
  LiveView view() const;
  // The whole as a tree, with totals.
  CallTree tree() const;
  const std::vector<Function>& functions() const { return names_.functions(); }
  // From the place of a site (LiveSite::id) up to the root.
  std::vector<LiveFrame> path_of_site(uint32_t site) const;
  const Recording& recording() const { return builder_.so_far(); }

 private:
  struct FunctionCost {
    uint64_t self_ns = 0;
    uint64_t total_ns = 0;
    uint64_t samples = 0;  // of self
  };
  struct Flow {
    uint64_t allocations = 0;
    uint64_t allocated_bytes = 0;
    uint64_t deallocations = 0;
    uint64_t deallocated_bytes = 0;
    void add(const RecordedAllocation& allocation);
  };
  struct ThreadUse {
    uint64_t cpu_ns = 0;
    Flow flow;
  };
  // Of one time, or of all.
  struct Sums {
    uint64_t time_ns = 0;  // of the metric; what has no name yet included
    uint64_t cpu_ns = 0;
    uint64_t samples = 0;
    Flow flow;
    std::unordered_map<uint32_t, FunctionCost> functions;
    std::unordered_map<uint32_t, Flow> sites;
    std::unordered_map<uint32_t, ThreadUse> threads;
    void add(const Sums& other);
  };
  struct Bucket {
    int64_t index = 0;
    Sums sums;
  };
  // A call path from the root to the innermost frame of the program's own code, and the line there.
  struct Site {
    uint32_t node = 0;
    uint32_t place = 0;           // in the names' locations
    uint32_t stack = kLostIndex;  // one that leads there
    uint32_t inner = 0;           // its frames further in than the place
    int64_t live_bytes = 0;
    int64_t live_blocks = 0;
  };
  struct ProcessHeap {
    uint64_t live_bytes = 0;
    uint64_t live_blocks = 0;
    uint64_t peak_bytes = 0;
    bool ended = false;
    std::unordered_map<uint32_t, std::pair<int64_t, int64_t>> sites;  // bytes and blocks
  };

  void ask_for_names();
  bool is_named(uint32_t stack);
  uint32_t node_of(uint32_t stack);
  Bucket* bucket_at(int64_t time_ns);
  void take(const RecordedSample& sample);
  void take(const RecordedAllocation& allocation);
  void account(const RecordedSample& sample, Bucket* bucket);
  void account(const RecordedAllocation& allocation);
  uint32_t site_of(uint32_t stack);
  void take_heap_slices();
  void forget_ended();
  int64_t now_ns() const;
  int64_t begin_of_window() const;
  Sums window() const;
  void fill_functions(const Sums& now, LiveView& view) const;
  void fill_sites(const Sums& now, double seconds, LiveView& view) const;
  void fill_threads(const Sums& now, double seconds, LiveView& view) const;
  void fill_quality(LiveView& view) const;

  SymbolSource symbols_;
  int64_t bucket_ns_;
  RecordingBuilder builder_;
  FrameLocations names_;
  uint32_t no_stack_;

  std::vector<bool> named_;               // by frame
  std::vector<uint32_t> node_of_stack_;   // kNoIndex: not looked at yet, or its names are missing
  std::vector<uint32_t> pending_;         // kept, so that a stack costs no memory
  CallTree tree_;                         // its values are in node_self_
  std::vector<FunctionCost> node_self_;   // by node
  std::vector<uint32_t> function_stamp_;  // by function: the last walk that met it
  uint32_t stamp_ = 0;
  std::vector<RecordedSample> waiting_samples_;  // for names
  std::vector<RecordedAllocation> waiting_allocations_;

  Sums whole_;
  std::deque<Bucket> buckets_;  // ascending
  int64_t whole_since_ns_ = 0;
  std::vector<Site> sites_;
  IndexTable site_index_;
  std::vector<uint32_t> site_of_stack_;
  std::vector<ProcessHeap> heaps_;  // by process
};

}  // namespace flarestack
