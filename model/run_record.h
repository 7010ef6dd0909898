// SPDX-License-Identifier: Apache-2.0
// RunRecord: what was measured of one program at one time, and where its cost lay: what the gate judges, what a
// baseline and the history keep, and what is exported. Made by `bench`, by `gate`, or of a trace. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/host_facts.h"

namespace flarestack {

struct MeasuredMetric {
  std::string name;          // "wall_time"
  std::string unit;          // "ns", "bytes" or "count"
  std::vector<double> runs;  // a value for each run, in their order; never empty
  double value() const;      // their median
};

// A function's part of a metric, in the one run that was recorded.
struct FunctionCost {
  std::string metric;  // as metric_name() has it: "cpu", "peak", "allocations", "leaked"
  std::string name;
  std::string module;
  double self = 0;
  double total = 0;
};

// A call path with its own cost, in that run.
struct PathCost {
  std::string metric;
  std::vector<std::string> frames;  // functions, the root first
  double value = 0;
};

struct RunRecord {
  std::string kind;     // "bench", "gate" or "record"
  std::string step;     // what was measured: the gate's step, or the command; of a region "step:region"
  std::string region;   // of a part of the run that the program named: its path; empty: of all of it
  int64_t time_ns = 0;  // since 1970
  std::string commit;   // empty: none is known
  std::string branch;
  HostFacts host;
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> parameters;  // by name
  std::vector<MeasuredMetric> metrics;
  std::vector<FunctionCost> functions;  // the first ones of each metric, by self and by total
  std::vector<PathCost> paths;          // the same, by value
  uint64_t samples = 0;                 // of the CPU, in the run that was recorded,
  double sampled_ns = 0;                // and what they stand for
  std::string trace;                    // the recording; empty: not kept

  // Borrowed; null: it was not measured.
  const MeasuredMetric* metric(std::string_view name) const;
};

// Names of metrics, as the gate's file and the history have them.
inline constexpr std::string_view kWallTime = "wall_time";
inline constexpr std::string_view kCpuTime = "cpu_time";
inline constexpr std::string_view kPeakHeap = "peak_heap";
inline constexpr std::string_view kAllocationCount = "allocations";
inline constexpr std::string_view kLeakedBytes = "leaked_bytes";
// Of regions, beside wall and CPU time, allocations, and what one call had at most (docs/regions.md).
inline constexpr std::string_view kCalls = "calls";
inline constexpr std::string_view kSelfWallTime = "self_wall_time";
inline constexpr std::string_view kSelfCpuTime = "self_cpu_time";
inline constexpr std::string_view kAllocatedBytes = "allocated_bytes";
inline constexpr std::string_view kLiveDeltaBytes = "live_delta_bytes";

// What a region of the step is called among the steps: "step:region".
std::string region_step(const std::string& step, const std::string& region);
void set_step(RunRecord& record, const std::string& step);

// What the costs of functions and paths are told by for a metric: "cpu" for wall_time; empty: nothing is.
std::string_view cost_metric_of(std::string_view metric);

// "12.3 ms", "4.00 KiB", "1,234" by the unit.
std::string format_measure(double value, std::string_view unit);

// "leaf < caller < its caller": the path as a report shows it, what calls itself once, at most so many
// functions.
std::string path_text(const std::vector<std::string>& frames, size_t at_most);

}  // namespace flarestack
