// SPDX-License-Identifier: Apache-2.0
// Benchmark: what repeated bare runs of commands cost, and how the commands compare. Filled in by `flarestack bench`.
// Offline side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/host_facts.h"
#include "model/function_changes.h"
#include "model/run_statistics.h"

namespace flarestack {

struct BenchmarkRun {
  int64_t wall_ns = 0;
  int64_t user_ns = 0;
  int64_t system_ns = 0;
  uint64_t peak_rss_bytes = 0;
  int status = 0;  // as a shell would tell it
};

enum class RunMetric : uint8_t { kWall, kUser, kSystem, kPeakRss };
inline constexpr RunMetric kRunMetrics[] = {RunMetric::kWall, RunMetric::kUser, RunMetric::kSystem,
                                            RunMetric::kPeakRss};

struct BenchmarkedCommand {
  std::string line;                                             // as typed, its parameters filled in
  std::vector<std::pair<std::string, std::string>> parameters;  // names and values
  bool through_shell = false;
  std::vector<BenchmarkRun> runs;  // in order; without warm-ups
  std::string trace_path;          // of its recorded run; empty: none is kept
  std::vector<double> values(RunMetric metric) const;
};

// The median cost of starting the shell, which has been subtracted from the runs that go through it.
struct ShellCost {
  std::string shell;
  int64_t wall_ns = 0;
  int64_t user_ns = 0;
  int64_t system_ns = 0;
};

struct ComparedCommand {
  size_t command = 0;      // in Benchmark::commands
  RatioEstimate slowdown;  // its wall time to that of the fastest
  bool differs() const { return slowdown.p < kSignificant; }
  static constexpr double kSignificant = 0.05;
};

// One recorded run of a command against one of the fastest.
struct BenchmarkCause {
  size_t command = 0;
  FunctionChanges cpu;
  std::optional<FunctionChanges> allocated;  // where both heaps were recorded
};

struct Benchmark {
  HostFacts host;
  uint32_t warmups = 0;
  std::vector<std::string> prepare;
  std::optional<ShellCost> shell;
  std::vector<BenchmarkedCommand> commands;
  bool interrupted = false;
  std::vector<BenchmarkCause> causes;
  std::vector<std::string> notes;  // sentences on what could not be told
};

// The command with the least median of wall times; none where nothing was measured.
std::optional<size_t> fastest_command(const Benchmark& benchmark);
// All others that were measured, fastest first.
std::vector<ComparedCommand> compared_commands(const Benchmark& benchmark);

}  // namespace flarestack
