// SPDX-License-Identifier: Apache-2.0
// What a profile counts. Offline side.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace flarestack {

enum class Metric : uint8_t {
  kCpu,          // ns of CPU time
  kWall,         // ns of wall time: on and off the CPU
  kAllocated,    // bytes allocated
  kAllocations,  // how many times
  kPeak,         // bytes live when the process's heap was at its greatest
  kLive,         // bytes live at the end, or at ProfileOptions::to_ns
  kTemporary,    // allocations that were freed with no other allocation in between by their thread
  kLeaked,       // bytes definitely or indirectly lost, as the last leak check of each process says
};
const char* metric_name(Metric metric);  // "cpu", "wall", "allocated", ..., as --metric takes them
std::optional<Metric> metric_of_name(std::string_view name);
const char* metric_unit(Metric metric);  // "ns", "bytes" or "allocations"
inline bool is_heap_metric(Metric metric) { return metric >= Metric::kAllocated; }
inline bool is_bytes_metric(Metric metric) {
  return metric == Metric::kAllocated || metric == Metric::kPeak || metric == Metric::kLive ||
         metric == Metric::kLeaked;
}
// What is live at a moment, not what happened over a time.
inline bool is_level_metric(Metric metric) {
  return metric == Metric::kPeak || metric == Metric::kLive || metric == Metric::kLeaked;
}

}  // namespace flarestack
