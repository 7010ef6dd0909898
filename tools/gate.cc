// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "base/host_facts.h"
#include "history/baseline.h"
#include "history/checked_out.h"
#include "history/database.h"
#include "model/noise_model.h"
#include "profiler/timed_run.h"
#include "report/gate_report.h"
#include "tools/command.h"
#include "tools/gate_config.h"
#include "tools/gate_measurement.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

using std::chrono::milliseconds;

// A time above its limit is measured again before the gate says so, after so long each time: what disturbed the first
// runs (another program, a processor that slowed down) is gone by then, or it is no disturbance.
constexpr std::array kConfirmationPauses = {milliseconds(500), milliseconds(1000), milliseconds(2000)};

// A new baseline has so many sessions at most, with a pause between them, for they are to differ by what the machine
// does: as many as it takes until a CPU time of so much more would be told from their noise.
constexpr size_t kMostNewSessions = 15;
constexpr milliseconds kSessionPause(500);
constexpr double kWantedNoise = 0.05;

struct Options {
  std::string config = "flarestack.toml";
  std::vector<std::string> steps;
  bool update_baseline = false;
  bool new_baseline = false;
  std::string format = "text";
  std::string output;
};

// What is judged: where a baseline is being made, nothing is relative to it.
std::vector<GateCheck> checks_of(std::vector<GateCheck> checks, const Options& options) {
  if (!options.update_baseline && !options.new_baseline) return checks;
  for (GateCheck& check : checks) {
    if (check.target && check.target->is_relative) check.target.reset();
    if (check.maximum && check.maximum->is_relative) check.maximum.reset();
  }
  std::erase_if(checks, [](const GateCheck& check) { return !check.target && !check.maximum; });
  return checks;
}

bool has_slow_verdict(const std::vector<GateVerdict>& verdicts, GateOutcome outcome) {
  return std::ranges::any_of(
      verdicts, [outcome](const GateVerdict& verdict) { return verdict.unit == "ns" && verdict.outcome == outcome; });
}

std::vector<GateVerdict> judge_all(const std::vector<GateCheck>& checks, const RunRecord& record,
                                   const std::vector<RunRecord>& before) {
  std::vector<GateVerdict> verdicts;
  for (const GateCheck& check : checks) verdicts.push_back(judge(check, record, before));
  return verdicts;
}

// Less long where a signal wants an end.
void wait_for(milliseconds time) {
  constexpr milliseconds kStep(50);
  for (milliseconds waited(0); waited < time && !InterruptGuard::interrupted(); waited += kStep) {
    std::this_thread::sleep_for(kStep);
  }
}

// Whether a step's sessions, of which there are enough to tell, differ by more than is wanted.
bool is_noisy(const Baseline& baseline, const std::vector<GateStep>& steps) {
  return std::ranges::any_of(steps, [&](const GateStep& step) {
    std::vector<std::vector<double>> runs;
    for (const RunRecord& record : baseline.sessions(step.name)) {
      if (const MeasuredMetric* cpu = record.metric(kCpuTime)) runs.push_back(cpu->runs);
    }
    if (runs.size() < kLeastSessions) return false;
    const Expectation expected = expect(runs, runs.back());
    return expected.upper > expected.value * (1 + kWantedNoise);
  });
}

// A step, or a region of it: what it is judged by, and what was measured.
struct Part {
  std::vector<GateCheck> checks;
  std::vector<RunRecord> before;
  RunRecord* record = nullptr;  // in the measurement
  GateStepResult result;
};

// The step, and then its regions.
std::vector<Part> parts_of(const GateStep& step, const Baseline& baseline, const Options& options,
                           StepMeasurement& measurement) {
  std::vector<Part> parts;
  const auto add = [&](RunRecord& record, const std::vector<GateCheck>& checks) {
    Part part{checks_of(checks, options), baseline.sessions(record.step), &record, {}};
    part.result.name = record.step;
    part.result.command = step.command;
    part.result.sessions_before = part.before.size();
    parts.push_back(std::move(part));
  };
  add(measurement.whole, step.checks);
  for (size_t i = 0; i < measurement.regions.size(); ++i) add(measurement.regions[i], step.regions[i].checks);
  return parts;
}

void judge_part(Part& part) {
  if (part.record->metrics.empty()) {
    part.result.problem = fmt::format("the program named no region '{}'", part.record->region);
  } else {
    part.result.verdicts = judge_all(part.checks, *part.record, part.before);
  }
}

GateStepResult failed_step(const GateStep& step, const Baseline& baseline, const std::string& problem) {
  GateStepResult result;
  result.name = step.name;
  result.command = step.command;
  result.sessions_before = baseline.sessions(step.name).size();
  result.problem = problem;
  return result;
}

// One for the step and one for each of its regions; one alone where it could not be measured.
std::vector<GateStepResult> run_step(const GateStep& step, const GateConfig& config, const Baseline& baseline,
                                     const Options& options) {
  Result<StepMeasurement> measurement = measure_step(step, config.recordings);
  if (!measurement.ok()) return {failed_step(step, baseline, measurement.error().message)};
  measurement->whole.host = read_host_facts();
  for (RunRecord& region : measurement->regions) region.host = measurement->whole.host;
  std::vector<Part> parts = parts_of(step, baseline, options, *measurement);
  for (Part& part : parts) judge_part(part);
  for (const MeasuredRuns runs : {MeasuredRuns::kWhole, MeasuredRuns::kRegions}) {
    const auto concerned = [runs](const Part& part) {
      return part.record->region.empty() == (runs == MeasuredRuns::kWhole);
    };
    for (const milliseconds pause : kConfirmationPauses) {
      const auto is_any = [&](GateOutcome outcome) {
        return std::ranges::any_of(parts, [&](const Part& part) {
          return concerned(part) && has_slow_verdict(part.result.verdicts, outcome);
        });
      };
      const bool fails = is_any(GateOutcome::kAboveMaximum);
      if (!fails && !is_any(GateOutcome::kAboveTarget)) break;
      if (fails) wait_for(pause);  // no one waits for a target
      if (const Result<void> again = measure_again(step, runs, *measurement); !again.ok()) {
        return {failed_step(step, baseline, again.error().message)};
      }
      for (Part& part : parts) {
        if (concerned(part)) judge_part(part);
      }
    }
  }
  std::vector<GateStepResult> results;
  for (Part& part : parts) {
    part.result.record = std::move(*part.record);
    results.push_back(std::move(part.result));
  }
  return results;
}

// Those that were asked for. Error: there is none of the name.
Result<std::vector<GateStep>> chosen_steps(const GateConfig& config, const Options& options) {
  if (options.steps.empty()) return config.steps;
  std::vector<GateStep> chosen;
  for (const std::string& name : options.steps) {
    const auto found = std::ranges::find(config.steps, name, &GateStep::name);
    if (found == config.steps.end()) return Error{fmt::format("{}: there is no step '{}'", config.path, name)};
    chosen.push_back(*found);
  }
  return chosen;
}

// The latest ones of each step and region; the functions and call paths of the very last. No history yet: none.
Result<Baseline> sessions_of_history(const GateConfig& config, const std::vector<GateStep>& steps) {
  Baseline baseline;
  if (std::error_code error; !std::filesystem::exists(config.history, error)) return baseline;
  Result<HistoryDatabase> database = HistoryDatabase::open(config.history, HistoryDatabase::Opening::kExisting);
  if (!database.ok()) return database.error();
  std::vector<std::string> names;
  for (const GateStep& step : steps) {
    names.push_back(step.name);
    for (const GateRegion& region : step.regions) names.push_back(region_step(step.name, region.path));
  }
  for (const std::string& name : names) {
    const Result<std::vector<HistoryEntry>> entries =
        database->list({name, config.branch, "gate", Baseline::kMostSessions});
    if (!entries.ok()) return entries.error();
    for (const HistoryEntry& entry : *entries) {
      const Result<HistoryEntry> whole = &entry == &entries->back() ? database->find(entry.id) : entry;
      if (!whole.ok()) return whole.error();
      baseline.add(whole->record);
    }
  }
  return baseline;
}

Result<void> add_to_history(const GateConfig& config, const GateResult& result) {
  Result<HistoryDatabase> database = HistoryDatabase::open(config.history, HistoryDatabase::Opening::kCreate);
  if (!database.ok()) return database.error();
  std::vector<HistoryEntry> entries;
  for (const GateStepResult& step : result.steps) {
    if (step.problem.empty()) entries.push_back({record_id(step.record), step.record});
  }
  const Result<std::vector<bool>> added = database->add(entries);
  return added.ok() ? Result<void>() : added.error();
}

Result<int> run_gate(const Options& options) {
  const Result<GateConfig> config = read_gate_config(options.config);
  const Result<std::vector<GateStep>> steps =
      config.ok() ? chosen_steps(*config, options) : Result<std::vector<GateStep>>(config.error());
  if (!steps.ok()) {
    print_error(steps.error().message);
    return kExitUsage;
  }
  if (!config->history.empty() && options.new_baseline) {
    print_error(config->path +
                ": its sessions are kept in a history, which is not begun anew; --update-baseline adds to it");
    return kExitUsage;
  }
  Result<Baseline> baseline = options.new_baseline       ? Baseline()
                              : !config->history.empty() ? sessions_of_history(*config, *steps)
                                                         : Baseline::read(config->baseline);
  if (!baseline.ok()) return baseline.error();

  GateResult result;
  result.config = config->path;
  const CheckedOut checked_out = checked_out_here();
  result.commit = checked_out.commit;
  const bool stores = options.update_baseline || options.new_baseline;
  const InterruptGuard guard;
  const auto wants_more = [&](size_t sessions) {
    return sessions == 0 || (options.new_baseline && (sessions < kLeastSessions ||
                                                      (sessions < kMostNewSessions && is_noisy(*baseline, *steps))));
  };
  for (size_t session = 0; wants_more(session); ++session) {
    if (session != 0) wait_for(kSessionPause);
    result.steps.clear();
    for (const GateStep& step : *steps) {
      for (GateStepResult& measured : run_step(step, *config, *baseline, options)) {
        if (InterruptGuard::interrupted()) return Error{"interrupted; the baseline is as it was"};
        measured.record.commit = checked_out.commit;
        measured.record.branch = checked_out.branch;
        if (stores && measured.problem.empty()) baseline->add(measured.record);
        result.steps.push_back(std::move(measured));
      }
    }
  }
  if (stores) {
    const Result<void> written =
        config->history.empty() ? baseline->write(config->baseline) : add_to_history(*config, result);
    if (!written.ok()) return written.error();
  }
  const std::string text = options.format == "json"       ? gate_json(result)
                           : options.format == "markdown" ? gate_markdown(result)
                                                          : gate_text(result, layout_for(options.output));
  if (const Result<void> written = write_output(options.output, text); !written.ok()) return written.error();
  return result.holds() ? kExitGood : kExitFailed;
}

}  // namespace

CommandBody declare_gate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--config", options->config, "the file with the steps and what they have to hold")
      ->capture_default_str();
  app.add_option("--step", options->steps, "only this step; repeatable")->allow_extra_args(false);
  auto* update = app.add_flag("--update-baseline", options->update_baseline,
                              "add what is measured to the baseline, and judge absolute limits alone");
  app.add_flag("--new-baseline", options->new_baseline,
               "begin the baseline anew, with five sessions, or more where they differ much")
      ->excludes(update);
  app.add_option("--format", options->format, "text, json or markdown")
      ->check(CLI::IsMember({"text", "json", "markdown"}))
      ->capture_default_str();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [options] { return run_gate(*options); };
}

}  // namespace flarestack
