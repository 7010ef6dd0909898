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
    case Metric::kLeaked:
      return "Memory lost";
  }
  return "";
}

const char* value_words(Metric metric) {
  switch (metric) {
    case Metric::kCpu:
      return "of CPU time";
    case Metric::kWall:
      return "of wall time";
    case Metric::kAllocated:
      return "allocated";
    case Metric::kAllocations:
      return "allocations";
    case Metric::kPeak:
      return "at the heap's peak";
    case Metric::kLive:
      return "live at the end";
    case Metric::kTemporary:
      return "temporary allocations";
    case Metric::kLeaked:
      return "lost";
  }
  return "";
}

std::string value_phrase(Metric metric, uint64_t value) {
  std::string phrase = format_value(metric, value) + " " + value_words(metric);
  const bool is_count = is_heap_metric(metric) && !is_bytes_metric(metric);
  if (is_count && value == 1) phrase.pop_back();
  return phrase;
}

const char* share_phrase(Metric metric) {
  if (!is_heap_metric(metric)) return "of the time";
  return is_bytes_metric(metric) ? "of the bytes" : "of the allocations";
}

const char* counted_noun(Metric metric) {
  return !is_heap_metric(metric) ? "sample" : is_level_metric(metric) ? "block" : "allocation";
}

std::string counted_phrase(Metric metric, uint64_t count) {
  return format_count(count) + " " + counted_noun(metric) + (count == 1 ? "" : "s");
}

}  // namespace flarestack
