// SPDX-License-Identifier: Apache-2.0
#include "model/run_record.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "model/run_statistics.h"

namespace flarestack {

double MeasuredMetric::value() const { return median_of(runs); }

const MeasuredMetric* RunRecord::metric(std::string_view name) const {
  const auto found = std::ranges::find(metrics, name, &MeasuredMetric::name);
  return found == metrics.end() ? nullptr : &*found;
}

std::string region_step(const std::string& step, const std::string& region) { return step + ":" + region; }

void set_step(RunRecord& record, const std::string& step) {
  record.step = record.region.empty() ? step : region_step(step, record.region);
}

std::string_view cost_metric_of(std::string_view metric) {
  if (metric.ends_with("_time")) return "cpu";
  if (metric == kPeakHeap || metric == "peak_rss") return "peak";
  if (metric == kAllocationCount) return "allocations";
  if (metric == kAllocatedBytes || metric == kLiveDeltaBytes) return "allocated";
  if (metric == kLeakedBytes) return "leaked";
  return "";
}

std::string format_measure(double value, std::string_view unit) {
  if (value < 0) return "-" + format_measure(-value, unit);
  if (!(value <= 9e18)) return "-";
  const auto rounded = static_cast<uint64_t>(std::llround(value));
  if (unit == "ns") return format_duration(rounded);
  if (unit == "bytes") return format_bytes(rounded);
  if (unit == "%") return fmt::format("{:.1f}%", value);
  return format_count(rounded);
}

std::string path_text(const std::vector<std::string>& frames, size_t at_most) {
  std::string text;
  size_t shown = 0;
  for (size_t i = frames.size(); i-- > 0;) {
    if (i + 1 < frames.size() && frames[i] == frames[i + 1]) continue;  // it calls itself
    if (shown++ == at_most) return text + " < ...";
    text += (shown == 1 ? "" : " < ") + frames[i];
  }
  return text;
}

}  // namespace flarestack
