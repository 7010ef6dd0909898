// SPDX-License-Identifier: Apache-2.0
#include "model/metric.h"

#include <array>
#include <cstddef>

namespace flarestack {
namespace {

constexpr std::array<const char*, 8> kNames = {"cpu",  "wall", "allocated", "allocations",
                                               "peak", "live", "temporary", "leaked"};

}  // namespace

const char* metric_name(Metric metric) { return kNames.at(static_cast<size_t>(metric)); }

std::optional<Metric> metric_of_name(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Metric>(i);
  }
  return std::nullopt;
}

const char* metric_unit(Metric metric) {
  if (!is_heap_metric(metric)) return "ns";
  return is_bytes_metric(metric) ? "bytes" : "allocations";
}

}  // namespace flarestack
