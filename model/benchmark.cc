// SPDX-License-Identifier: Apache-2.0
#include "model/benchmark.h"

#include <algorithm>

namespace flarestack {
namespace {

double value_of(const BenchmarkRun& run, RunMetric metric) {
  switch (metric) {
    case RunMetric::kWall:
      return static_cast<double>(run.wall_ns);
    case RunMetric::kUser:
      return static_cast<double>(run.user_ns);
    case RunMetric::kSystem:
      return static_cast<double>(run.system_ns);
    case RunMetric::kPeakRss:
      return static_cast<double>(run.peak_rss_bytes);
  }
  return 0;
}

}  // namespace

std::vector<double> BenchmarkedCommand::values(RunMetric metric) const {
  std::vector<double> result;
  for (const BenchmarkRun& run : runs) result.push_back(value_of(run, metric));
  return result;
}

std::optional<size_t> fastest_command(const Benchmark& benchmark) {
  std::optional<size_t> fastest;
  double least = 0;
  for (size_t i = 0; i < benchmark.commands.size(); ++i) {
    if (benchmark.commands[i].runs.empty()) continue;
    const double median = median_of(benchmark.commands[i].values(RunMetric::kWall));
    if (fastest && median >= least) continue;
    fastest = i;
    least = median;
  }
  return fastest;
}

std::vector<ComparedCommand> compared_commands(const Benchmark& benchmark) {
  std::vector<ComparedCommand> compared;
  const std::optional<size_t> fastest = fastest_command(benchmark);
  if (!fastest) return compared;
  const std::vector<double> base = benchmark.commands[*fastest].values(RunMetric::kWall);
  for (size_t i = 0; i < benchmark.commands.size(); ++i) {
    if (i == *fastest || benchmark.commands[i].runs.empty()) continue;
    compared.push_back({i, ratio_estimate(benchmark.commands[i].values(RunMetric::kWall), base)});
  }
  std::stable_sort(compared.begin(), compared.end(), [](const ComparedCommand& a, const ComparedCommand& b) {
    return a.slowdown.ratio < b.slowdown.ratio;
  });
  return compared;
}

}  // namespace flarestack
