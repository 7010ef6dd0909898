// SPDX-License-Identifier: Apache-2.0
#include "tools/gate_measurement.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "model/trace_costs.h"
#include "profiler/timed_run.h"

namespace flarestack {
namespace {

constexpr int kRecorderFailed = 125;

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
    std::string folder = (std::filesystem::temp_directory_path(error) / "flarestack-gate.XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return errno_error("create " + folder);
    place.scratch_ = folder;
    place.path_ = folder + "/step.flare";
    return place;
  }
  TracePlace(TracePlace&& other) noexcept
      : path_(std::move(other.path_)), scratch_(std::exchange(other.scratch_, {})) {}
  TracePlace& operator=(TracePlace&&) = delete;
  ~TracePlace() {
    std::error_code error;
    if (!scratch_.empty()) std::filesystem::remove_all(scratch_, error);
  }
  const std::string& path() const { return path_; }
  bool is_kept() const { return scratch_.empty(); }

 private:
  TracePlace() = default;
  std::string path_;
  std::string scratch_;
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

Result<void> add_runs(const GateStep& step, size_t warmup, RunRecord& record) {
  const StepSurroundings surroundings(step);
  if (!surroundings.problem().empty()) return Error{surroundings.problem()};
  const auto runs_of = [&record](std::string_view name) -> std::vector<double>& {
    for (MeasuredMetric& metric : record.metrics) {
      if (metric.name == name) return metric.runs;
    }
    return record.metrics.emplace_back(MeasuredMetric{std::string(name), "ns", {}}).runs;
  };
  for (size_t i = 0; i < warmup + step.runs; ++i) {
    tell_progress(step, i < warmup ? "warming up" : fmt::format("run {} of {}", i - warmup + 1, step.runs));
    const Result<TimedRun> run = run_once(step.command);
    tell_progress(step, "");
    if (!run.ok()) return run.error();
    if (run->wait_status != 0) {
      return Error{fmt::format("run {} of `{}` {}", i + 1, step.command.front(), ending_of(run->wait_status))};
    }
    if (i < warmup) continue;
    runs_of(kWallTime).push_back(static_cast<double>(run->wall_ns));
    runs_of(kCpuTime).push_back(static_cast<double>(run->user_ns + run->system_ns));
  }
  return {};
}

// Recorded by a process of its own, so that neither our size nor our threads are in it.
Result<RunRecord> record_once(const GateStep& step, const TracePlace& place) {
  const StepSurroundings surroundings(step);
  if (!surroundings.problem().empty()) return Error{surroundings.problem()};
  std::error_code error;
  std::vector<std::string> command = {
      std::filesystem::read_symlink("/proc/self/exe", error).string(), "record", "--quiet", "-o", place.path(), "--"};
  command.insert(command.end(), step.command.begin(), step.command.end());
  tell_progress(step, "recording");
  const Result<TimedRun> run = run_once(command);
  tell_progress(step, "");
  if (!run.ok()) return run.error();
  if (shell_status(run->wait_status) == kRecorderFailed || run->wait_status != 0) {
    return Error{fmt::format("its recorded run {}; `flarestack record -- {} ...` tells more",
                             ending_of(run->wait_status), step.command.front())};
  }
  return record_of_trace(place.path());
}

}  // namespace

Result<RunRecord> measure_step(const GateStep& step, const std::string& recordings) {
  RunRecord timed;
  if (const Result<void> added = add_runs(step, step.warmup, timed); !added.ok()) return added.error();
  const Result<TracePlace> place = TracePlace::make(step.name, recordings);
  if (!place.ok()) return place.error();
  Result<RunRecord> record = record_once(step, *place);
  if (!record.ok()) return record;
  // Times are those of the bare runs: recording has its own cost.
  std::erase_if(record->metrics, [](const MeasuredMetric& metric) { return metric.unit == "ns"; });
  record->metrics.insert(record->metrics.begin(), timed.metrics.begin(), timed.metrics.end());
  record->kind = "gate";
  record->step = step.name;
  record->command = step.command;
  if (!place->is_kept()) record->trace.clear();
  return record;
}

Result<void> measure_again(const GateStep& step, RunRecord& record) { return add_runs(step, 0, record); }

}  // namespace flarestack
