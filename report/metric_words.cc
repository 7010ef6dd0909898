// SPDX-License-Identifier: Apache-2.0
#include "report/metric_words.h"

#include "base/text.h"

namespace flarestack {

std::string format_value(Metric metric, uint64_t value) {
  if (!is_heap_metric(metric)) return format_duration(value);
  return is_bytes_metric(metric) ? format_bytes(value) : format_count(value);
}

const char* metric_title(Metric metric) {
  switch (metric) {
    case Metric::kCpu:
      return "CPU time";
    case Metric::kWall:
      return "Wall time";
    case Metric::kAllocated:
      return "Bytes allocated";
    case Metric::kAllocations:
      return "Allocations";
    case Metric::kPeak:
      return "Heap at its peak";
    case Metric::kLive:
      return "Heap live at the end";
    case Metric::kTemporary:
      return "Temporary allocations";
  }
  return "";
}

std::string value_phrase(Metric metric, uint64_t value) {
  const std::string shown = format_value(metric, value);
  const char* plural = value == 1 ? "" : "s";
  switch (metric) {
    case Metric::kCpu:
      return shown + " of CPU time";
    case Metric::kWall:
      return shown + " of wall time";
    case Metric::kAllocated:
      return shown + " allocated";
    case Metric::kAllocations:
      return shown + " allocation" + plural;
    case Metric::kPeak:
      return shown + " at the heap's peak";
    case Metric::kLive:
      return shown + " live at the end";
    case Metric::kTemporary:
      return shown + " temporary allocation" + plural;
  }
  return shown;
}

const char* share_phrase(Metric metric) {
  if (!is_heap_metric(metric)) return "of the time";
  return is_bytes_metric(metric) ? "of the bytes" : "of the allocations";
}

std::string counted_phrase(Metric metric, uint64_t count) {
  const char* noun = !is_heap_metric(metric) ? " sample" : is_level_metric(metric) ? " block" : " allocation";
  return format_count(count) + noun + (count == 1 ? "" : "s");
}

}  // namespace flarestack
