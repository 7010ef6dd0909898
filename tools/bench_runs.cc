// SPDX-License-Identifier: Apache-2.0
#include "tools/bench_runs.h"

#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <optional>
#include <random>

#include <fmt/format.h>

#include "base/text.h"
#include "model/loaded_trace.h"
#include "tools/recorded_run.h"

namespace flarestack {
namespace {

// As hyperfine chooses.
constexpr uint32_t kLeastRuns = 10;
constexpr int64_t kLeastTimeNs = 3'000'000'000;
constexpr uint32_t kShellRuns = 40;
constexpr size_t kMostPaddingBytes = 4096;

class Runner {
 public:
  Runner(const BenchPlan& plan, Progress& progress) : plan_(plan), progress_(progress) {}

  Result<Benchmark> measure();

 private:
  struct Turn {
    uint32_t wanted = 0;
    uint32_t done = 0;
    double share() const { return static_cast<double>(done) / static_cast<double>(wanted); }
  };
  Result<void> warm_up();
  Result<void> measure_shell();
  Result<void> prepare(size_t index);
  Result<TimedRun> run_once(size_t index);
  Result<void> measure_run(size_t index);
  uint32_t runs_wanted(int64_t first_ns) const;

  const BenchPlan& plan_;
  Progress& progress_;
  Benchmark benchmark_;
  std::minstd_rand padding_{1};  // the same paddings in each benchmark, in each another for each run
};

// Where a command cannot go on after a run: the sentence.
std::optional<Error> failure(const PlannedCommand& command, const TimedRun& run) {
  if (run.wait_status == 0) return std::nullopt;
  return Error{fmt::format("{}: {}; --ignore-failure measures it all the same", command.line,
                           WIFSIGNALED(run.wait_status)
                               ? fmt::format("it was ended by signal {}", WTERMSIG(run.wait_status))
                               : fmt::format("it ended with exit status {}", WEXITSTATUS(run.wait_status)))};
}

Result<void> Runner::prepare(size_t index) {
  if (plan_.prepare.empty()) return {};
  const std::string line =
      filled_in(plan_.prepare[plan_.prepare.size() == 1 ? 0 : index], plan_.commands[index].parameters);
  TimedRunOptions options;
  options.command = shell_words(plan_.shell == kNoShell ? kAnyShell : plan_.shell);
  options.command.insert(options.command.end(), {"-c", line});
  options.output = plan_.output;
  const Result<TimedRun> run = timed_run(options);
  if (!run.ok()) return run.error();
  if (run->wait_status != 0 && !InterruptGuard::interrupted())
    return Error{fmt::format("--prepare '{}' ended with exit status {}", line, shell_status(run->wait_status))};
  return {};
}

// Error: it cannot be run, or fails.
Result<TimedRun> Runner::run_once(size_t index) {
  const PlannedCommand& command = plan_.commands[index];
  if (const Result<void> prepared = prepare(index); !prepared.ok()) return prepared.error();
  TimedRunOptions options;
  options.command = command.words;
  options.output = plan_.output;
  options.padding_bytes = 1 + padding_() % kMostPaddingBytes;
  Result<TimedRun> run = timed_run(options);
  if (!run.ok() || plan_.ignore_failure || InterruptGuard::interrupted()) return run;
  if (const std::optional<Error> failed = failure(command, *run)) return *failed;
  return run;
}

Result<void> Runner::warm_up() {
  const size_t all = plan_.warmups * plan_.commands.size();
  for (size_t i = 0; i < all && !InterruptGuard::interrupted(); ++i) {
    const size_t index = i % plan_.commands.size();
    progress_.show(i, all, "warm-up: " + plan_.commands[index].line);
    if (const Result<TimedRun> run = run_once(index); !run.ok()) return run.error();
  }
  return {};
}

Result<void> Runner::measure_shell() {
  if (std::ranges::none_of(plan_.commands, &PlannedCommand::through_shell)) return {};
  TimedRunOptions options;
  options.command = shell_words(plan_.shell);
  std::string shell = options.command[0];
  options.command.insert(options.command.end(), {"-c", ""});
  std::vector<double> wall;
  std::vector<double> user;
  std::vector<double> system;
  for (uint32_t i = 0; i < kShellRuns && !InterruptGuard::interrupted(); ++i) {
    progress_.show(i, kShellRuns, "the shell's own start");
    const Result<TimedRun> run = timed_run(options);
    if (!run.ok()) return run.error();
    if (run->wait_status != 0 && !InterruptGuard::interrupted())
      return Error{fmt::format("--shell {}: it fails to run an empty command", shell)};
    wall.push_back(static_cast<double>(run->wall_ns));
    user.push_back(static_cast<double>(run->user_ns));
    system.push_back(static_cast<double>(run->system_ns));
  }
  if (wall.empty()) return {};
  const auto median_ns = [](const std::vector<double>& values) { return std::llround(median_of(values)); };
  benchmark_.shell = ShellCost{shell, median_ns(wall), median_ns(user), median_ns(system)};
  return {};
}

// `first_ns`: what the first run took, with its preparation, its shell and the fork.
uint32_t Runner::runs_wanted(int64_t first_ns) const {
  if (plan_.runs != 0) return plan_.runs;
  return std::max(kLeastRuns, static_cast<uint32_t>(kLeastTimeNs / std::max<int64_t>(first_ns, 1)));
}

Result<void> Runner::measure_run(size_t index) {
  const Result<TimedRun> run = run_once(index);
  if (!run.ok()) return run.error();
  if (InterruptGuard::interrupted()) return {};  // this run was ended
  BenchmarkRun measured{run->wall_ns, run->user_ns, run->system_ns, run->peak_rss_bytes,
                        shell_status(run->wait_status)};
  if (plan_.commands[index].through_shell && benchmark_.shell) {
    measured.wall_ns = std::max<int64_t>(measured.wall_ns - benchmark_.shell->wall_ns, 0);
    measured.user_ns = std::max<int64_t>(measured.user_ns - benchmark_.shell->user_ns, 0);
    measured.system_ns = std::max<int64_t>(measured.system_ns - benchmark_.shell->system_ns, 0);
  }
  benchmark_.commands[index].runs.push_back(measured);
  return {};
}

Result<Benchmark> Runner::measure() {
  benchmark_.host = read_host_facts();
  benchmark_.warmups = plan_.warmups;
  benchmark_.prepare = plan_.prepare;
  for (const PlannedCommand& command : plan_.commands)
    benchmark_.commands.push_back({command.line, command.parameters, command.through_shell, {}, ""});
  if (const Result<void> done = measure_shell(); !done.ok()) return done.error();
  if (const Result<void> done = warm_up(); !done.ok()) return done.error();
  std::vector<Turn> turns(plan_.commands.size());
  size_t all = 0;
  for (size_t i = 0; i < turns.size() && !InterruptGuard::interrupted(); ++i) {
    progress_.show(i, turns.size(), plan_.commands[i].line);
    const auto start = std::chrono::steady_clock::now();
    if (const Result<void> done = measure_run(i); !done.ok()) return done.error();
    if (benchmark_.commands[i].runs.empty()) break;
    const std::chrono::nanoseconds first = std::chrono::steady_clock::now() - start;
    turns[i] = {runs_wanted(first.count()), 1};
    all += turns[i].wanted;
  }
  for (size_t done = turns.size(); done < all && !InterruptGuard::interrupted(); ++done) {
    const auto next = std::ranges::min_element(turns, {}, &Turn::share);
    const auto index = static_cast<size_t>(next - turns.begin());
    progress_.show(done, all, plan_.commands[index].line);
    if (const Result<void> run = measure_run(index); !run.ok()) return run.error();
    ++next->done;
  }
  benchmark_.interrupted = InterruptGuard::interrupted();
  return std::move(benchmark_);
}

std::string trace_name(size_t index, const PlannedCommand& command) {
  // Of a line for the shell the first word is as good a name as any.
  const std::string first = command.line.substr(0, command.line.find_first_of(" \t"));
  std::string name = first.substr(first.rfind('/') + 1);
  std::ranges::replace_if(
      name, [](char each) { return std::isalnum(static_cast<unsigned char>(each)) == 0 && each != '.' && each != '_'; },
      '-');
  return fmt::format("{}-{}.flare", index + 1, name);
}

struct CommandProfiles {
  std::optional<Profile> cpu;
  std::optional<Profile> allocated;
};

CommandProfiles load_profiles(const std::string& path) {
  CommandProfiles profiles;
  Result<LoadedTrace> trace = LoadedTrace::open(path);
  if (!trace.ok()) return profiles;
  ProfileOptions options;
  if (Result<Profile> cpu = trace->profile(options); cpu.ok()) profiles.cpu.emplace(std::move(*cpu));
  options.metric = Metric::kAllocated;
  if (!trace->recording().has_heap()) return profiles;
  if (Result<Profile> heap = trace->profile(options); heap.ok()) profiles.allocated.emplace(std::move(*heap));
  return profiles;
}

void find_causes(Benchmark& benchmark) {
  const std::optional<size_t> fastest = fastest_command(benchmark);
  if (!fastest || benchmark.commands[*fastest].trace_path.empty()) return;
  const CommandProfiles base = load_profiles(benchmark.commands[*fastest].trace_path);
  if (!base.cpu) return;
  for (const ComparedCommand& compared : compared_commands(benchmark)) {
    const std::string& path = benchmark.commands[compared.command].trace_path;
    if (path.empty()) continue;
    const CommandProfiles other = load_profiles(path);
    if (!other.cpu) continue;
    BenchmarkCause cause{compared.command, function_changes(*base.cpu, *other.cpu), std::nullopt};
    if (base.allocated && other.allocated) cause.allocated = function_changes(*base.allocated, *other.allocated);
    benchmark.causes.push_back(std::move(cause));
  }
}

}  // namespace

Result<Benchmark> measure_commands(const BenchPlan& plan, Progress& progress) {
  Result<Benchmark> benchmark = Runner(plan, progress).measure();
  progress.clear();
  return benchmark;
}

void record_commands(const BenchPlan& plan, const RecordOptions& options, const std::string& folder, Progress& progress,
                     Benchmark& benchmark) {
  for (size_t i = 0; i < plan.commands.size() && !InterruptGuard::interrupted(); ++i) {
    BenchmarkedCommand& command = benchmark.commands[i];
    if (command.runs.empty()) continue;
    progress.show(i, plan.commands.size(), "recording " + command.line);
    RecordOptions recording = options;
    recording.command = plan.commands[i].words;
    recording.output_path = folder + "/" + trace_name(i, plan.commands[i]);
    const Result<RecordOutcome> outcome = recorded_run(recording);
    if (InterruptGuard::interrupted()) break;
    const std::string problem = !outcome.ok() ? outcome.error().message : outcome->problem;
    if (!problem.empty()) benchmark.notes.push_back(fmt::format("{}: {}", command.line, problem));
    if (!outcome.ok()) continue;
    if (outcome->recorded) {
      command.trace_path = recording.output_path;
    } else if (problem.empty()) {
      benchmark.notes.push_back(command.line + ": nothing was recorded: no process could load the agent");
    }
  }
  find_causes(benchmark);
  progress.clear();
}

}  // namespace flarestack
