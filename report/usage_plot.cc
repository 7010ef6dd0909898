// SPDX-License-Identifier: Apache-2.0
#include "report/usage_plot.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {

PlotScale scale_for(PlotUnit unit, double most) {
  constexpr int kMostSteps = 4;
  // Steps of 1, 2 and 5 times a power of ten, or of bytes of the same times a power of 1024.
  double unit_size = 1;
  if (unit == PlotUnit::kBytes) {
    while (most / unit_size >= 1024) unit_size *= 1024;
  }
  const double least = unit == PlotUnit::kProcessors ? 0.1 : unit_size == 1 ? kMostSteps : 0;
  const double wanted = std::max(most / unit_size, least) / kMostSteps;
  const double power = std::pow(10, std::floor(std::log10(wanted) + 1e-9));
  for (const double factor : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    const double step = factor * power;
    if (step < wanted * (1 - 1e-9)) continue;
    const int steps = std::max(1, static_cast<int>(std::ceil(most / unit_size / step - 1e-9)));
    return {steps * step * unit_size, steps};
  }
  return {most, 1};
}

std::string plot_value(PlotUnit unit, double value) {
  if (unit == PlotUnit::kProcessors) return fmt::format("{:.3g}", value);
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t index = 0;
  for (; value >= 1024 && index + 1 < std::size(kUnits); ++index) value /= 1024;
  return fmt::format("{:.4g} {}", value, kUnits[index]);
}

UsagePlot usage_plot(const Profile* memory, const Profile* time, std::vector<UsageSpan> spans) {
  const Profile& any = memory != nullptr ? *memory : *time;
  UsagePlot plot;
  plot.title = command_line(any.recording.session.command);
  const std::string filters = describe_filters(any.options);
  if (!filters.empty()) plot.subtitle = "only: " + filters;
  plot.spans = std::move(spans);
  if (memory != nullptr) {
    UsageCurves curves = usage_curves(*memory);
    plot.from_ns = curves.from_ns;
    plot.to_ns = curves.to_ns;
    if (!curves.live_heap.empty())
      plot.panels.push_back({"Heap, live", "heap", PlotUnit::kBytes, std::move(curves.live_heap), curves.heap_peak});
    if (!curves.resident.empty())
      plot.panels.push_back({"Resident memory", "resident", PlotUnit::kBytes, std::move(curves.resident), {}});
  }
  if (time != nullptr) {
    UsageCurves curves = usage_curves(*time);
    plot.from_ns = curves.from_ns;
    plot.to_ns = curves.to_ns;
    if (!curves.processors.empty())
      plot.panels.push_back({"Processors in use", "cpu", PlotUnit::kProcessors, std::move(curves.processors), {}});
  }
  return plot;
}

}  // namespace flarestack
