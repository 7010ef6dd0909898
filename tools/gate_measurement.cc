// SPDX-License-Identifier: Apache-2.0
#include "tools/gate_measurement.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "model/trace_costs.h"
#include "profiler/timed_run.h"
#include "tools/recorded_run.h"
#include "tools/recording.h"
#include "tools/scratch_folder.h"

namespace flarestack {
namespace {

// While it lives, the working directory and the environment are those of the step.
class StepSurroundings {
 public:
  explicit StepSurroundings(const GateStep& step) {
    std::error_code error;
    directory_ = std::filesystem::current_path(error);
    std::filesystem::current_path(step.directory, error);
    if (error) problem_ = fmt::format("its directory {}: {}", step.directory, error.message());
    for (const auto& [name, value] : step.environment) {
      const char* before = std::getenv(name.c_str());
      before_.emplace_back(name, before == nullptr ? std::optional<std::string>() : std::string(before));
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~StepSurroundings() {
    std::error_code error;
    std::filesystem::current_path(directory_, error);
    for (const auto& [name, value] : before_) {
      if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
      } else {
        ::unsetenv(name.c_str());
      }
    }
  }
  StepSurroundings(const StepSurroundings&) = delete;
  StepSurroundings& operator=(const StepSurroundings&) = delete;
  const std::string& problem() const { return problem_; }

 private:
  std::filesystem::path directory_;
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
  std::string problem_;
};

// Where the recorded run's trace goes: a folder that is kept, or one that is removed.
class TracePlace {
 public:
  static Result<TracePlace> make(const std::string& step, const std::string& recordings) {
    TracePlace place;
    std::error_code error;
    if (!recordings.empty()) {
      std::filesystem::create_directories(recordings, error);
      if (error) return Error{fmt::format("create {}: {}", recordings, error.message())};
      std::string name = step;
      for (char& letter : name) {
        if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '-' && letter != '_') letter = '_';
      }
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      place.path_ = fmt::format("{}/{}.{}.flare", recordings, name,
                                std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
      return place;
    }
    Result<ScratchFolder> scratch = ScratchFolder::create();
    if (!scratch.ok()) return scratch.error();
    place.path_ = scratch->path() + "/step.flare";
    place.scratch_.emplace(std::move(*scratch));
    return place;
  }
  const std::string& path() const { return path_; }
  bool is_kept() const { return !scratch_; }

 private:
  TracePlace() = default;
  std::string path_;
  std::optional<ScratchFolder> scratch_;
};

void tell_progress(const GateStep& step, std::string_view what) {
  if (::isatty(2) != 0) fmt::print(stderr, "\r\033[K{}", what.empty() ? "" : fmt::format("{}: {}", step.name, what));
}

std::string ending_of(int wait_status) {
  const int status = shell_status(wait_status);
  return WIFSIGNALED(wait_status) ? fmt::format("was ended by signal {}", WTERMSIG(wait_status))
                                  : fmt::format("ended with status {}", status);
}

Result<TimedRun> run_once(const std::vector<std::string>& command) {
  TimedRunOptions options;
  options.command = command;
  Result<TimedRun> run = timed_run(options);
  if (InterruptGuard::interrupted()) return Error{"interrupted"};
  return run;
}

// Of the times of the record, which come first.
std::vector<double>& runs_of(RunRecord& record, std::string_view name) {
  size_t place = 0;
  for (; place < record.metrics.size() && record.metrics[place].unit == "ns"; ++place) {
    if (record.metrics[place].name == name) return record.metrics[place].runs;
  }
  const auto at = record.metrics.begin() + static_cast<std::ptrdiff_t>(place);
  return record.metrics.insert(at, MeasuredMetric{std::string(name), "ns", {}})->runs;
}

void drop_times(RunRecord& record) {
  std::erase_if(record.metrics, [](const MeasuredMetric& metric) { return metric.unit == "ns"; });
}

Result<void> add_runs(const GateStep& step, size_t warmup, RunRecord& record) {
  const StepSurroundings surroundings(step);
  if (!surroundings.problem().empty()) return Error{surroundings.problem()};
  for (size_t i = 0; i < warmup + step.runs; ++i) {
    tell_progress(step, i < warmup ? "warming up" : fmt::format("run {} of {}", i - warmup + 1, step.runs));
    const Result<TimedRun> run = run_once(step.command);
    tell_progress(step, "");
    if (!run.ok()) return run.error();
    if (run->wait_status != 0) {
      return Error{fmt::format("run {} of `{}` {}", i + 1, step.command.front(), ending_of(run->wait_status))};
    }
    if (i < warmup) continue;
    runs_of(record, kWallTime).push_back(static_cast<double>(run->wall_ns));
    runs_of(record, kCpuTime).push_back(static_cast<double>(run->user_ns + run->system_ns));
  }
  return {};
}

Result<void> record_once(const GateStep& step, const TracePlace& place, bool with_heap) {
  const StepSurroundings surroundings(step);
  if (!surroundings.problem().empty()) return Error{surroundings.problem()};
  RecordingOptions options;
  options.no_heap = !with_heap;
  if (const Result<void> settled = settle_options(options); !settled.ok()) return settled.error();
  options.record.command = step.command;
  options.record.output_path = place.path();
  const Result<RecordOutcome> outcome = recorded_run(options.record);
  if (InterruptGuard::interrupted()) return Error{"interrupted"};
  if (!outcome.ok()) return outcome.error();
  if (!outcome->problem.empty()) return Error{"its recorded run: " + outcome->problem};
  if (outcome->exit_status != 0 || !outcome->recorded) {
    return Error{fmt::format("its recorded run {}; `flarestack record -- {} ...` tells more",
                             outcome->recorded ? fmt::format("ended with status {}", outcome->exit_status)
                                               : std::string("could not load the agent"),
                             step.command.front())};
  }
  return {};
}

std::vector<std::string> paths_of(const GateStep& step) {
  std::vector<std::string> paths;
  for (const GateRegion& region : step.regions) paths.push_back(region.path);
  return paths;
}

// Regions that a run did not name have no time of it.
Result<void> add_region_runs(const GateStep& step, std::vector<RunRecord>& records) {
  const Result<TracePlace> place = TracePlace::make(step.name, "");
  if (!place.ok()) return place.error();
  for (size_t i = 0; i < step.runs; ++i) {
    tell_progress(step, fmt::format("regions, run {} of {}", i + 1, step.runs));
    const Result<void> recorded = record_once(step, *place, false);
    tell_progress(step, "");
    if (!recorded.ok()) return recorded;
    const Result<std::vector<RunRecord>> run = region_records_of_trace(place->path(), paths_of(step));
    if (!run.ok()) return run.error();
    for (const RunRecord& measured : *run) {
      RunRecord& record = *std::ranges::find(records, measured.region, &RunRecord::region);
      for (const MeasuredMetric& metric : measured.metrics) {
        if (metric.unit == "ns") runs_of(record, metric.name).push_back(metric.runs.front());
      }
    }
  }
  return {};
}

Result<std::vector<RunRecord>> measure_regions(const GateStep& step, const std::string& trace) {
  const Result<std::vector<RunRecord>> found = region_records_of_trace(trace, paths_of(step));
  if (!found.ok()) return found;
  std::vector<RunRecord> records;
  for (const GateRegion& region : step.regions) {
    const auto one = std::ranges::find(*found, region.path, &RunRecord::region);
    RunRecord& record = records.emplace_back(one == found->end() ? RunRecord() : *one);
    record.region = region.path;
    drop_times(record);
  }
  if (const Result<void> added = add_region_runs(step, records); !added.ok()) return added.error();
  return records;
}

void complete(RunRecord& record, const GateStep& step, const TracePlace& place) {
  record.kind = "gate";
  set_step(record, step.name);
  record.command = step.command;
  if (!place.is_kept()) record.trace.clear();
}

}  // namespace

Result<StepMeasurement> measure_step(const GateStep& step, const std::string& recordings) {
  RunRecord timed;
  if (const Result<void> added = add_runs(step, step.warmup, timed); !added.ok()) return added.error();
  const Result<TracePlace> place = TracePlace::make(step.name, recordings);
  if (!place.ok()) return place.error();
  tell_progress(step, "recording");
  const Result<void> recorded = record_once(step, *place, true);
  tell_progress(step, "");
  if (!recorded.ok()) return recorded.error();
  StepMeasurement measurement;
  Result<RunRecord> whole = record_of_trace(place->path());
  if (!whole.ok()) return whole.error();
  // Times are those of the bare runs: recording has its own cost.
  drop_times(*whole);
  whole->metrics.insert(whole->metrics.begin(), timed.metrics.begin(), timed.metrics.end());
  measurement.whole = std::move(*whole);
  if (!step.regions.empty()) {
    Result<std::vector<RunRecord>> regions = measure_regions(step, place->path());
    if (!regions.ok()) return regions.error();
    measurement.regions = std::move(*regions);
  }
  complete(measurement.whole, step, *place);
  for (RunRecord& region : measurement.regions) complete(region, step, *place);
  return measurement;
}

Result<void> measure_again(const GateStep& step, MeasuredRuns runs, StepMeasurement& measurement) {
  return runs == MeasuredRuns::kWhole ? add_runs(step, 0, measurement.whole)
                                      : add_region_runs(step, measurement.regions);
}

}  // namespace flarestack
