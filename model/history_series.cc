// SPDX-License-Identifier: Apache-2.0
#include "model/history_series.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

namespace flarestack {

std::vector<StepHistory> history_series(std::span<const HistoryEntry> entries) {
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return entries[i].record.time_ns; });
  std::map<std::tuple<std::string, std::string, std::vector<std::pair<std::string, std::string>>, std::string>,
           StepHistory>
      by_key;
  for (const size_t i : order) {
    const RunRecord& record = entries[i].record;
    const std::string processor = fmt::format("{}x {}", record.host.processors, record.host.processor);
    StepHistory& step = by_key[{record.step, record.kind, record.parameters, processor}];
    step.kind = record.kind;
    step.step = record.step;
    step.parameters = record.parameters;
    step.processor = processor;
    step.entries.push_back(i);
    for (const MeasuredMetric& metric : record.metrics) {
      auto series = std::ranges::find(step.metrics, metric.name, &MetricSeries::name);
      if (series == step.metrics.end()) {
        series = step.metrics.insert(step.metrics.end(), MetricSeries{metric.name, metric.unit, {}, {}, {}});
      }
      series->entries.push_back(i);
      series->values.push_back(metric.value());
    }
  }
  std::vector<StepHistory> steps;
  for (auto& [key, step] : by_key) {
    for (MetricSeries& series : step.metrics) series.changes = level_changes(series.values);
    steps.push_back(std::move(step));
  }
  return steps;
}

std::string parameters_text(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  return text;
}

std::string utc_text(int64_t time_ns) {
  const std::time_t seconds = time_ns / 1'000'000'000;
  std::tm parts{};
  char text[64];
  if (time_ns <= 0 || gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
    return "at an unknown time";
  }
  return text;
}

}  // namespace flarestack
