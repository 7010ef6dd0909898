// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/host_facts.h"
#include "history/baseline.h"
#include "history/checked_out.h"
#include "model/noise_model.h"
#include "profiler/timed_run.h"
#include "report/gate_report.h"
#include "tools/command.h"
#include "tools/gate_config.h"
#include "tools/gate_measurement.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

// A time above its limit is measured again so often before the gate says so: what disturbed the first runs is gone by
// then, or it is no disturbance.
constexpr int kConfirmations = 2;

struct Options {
  std::string config = "flarestack.toml";
  std::vector<std::string> steps;
  bool update_baseline = false;
  bool new_baseline = false;
  std::string format = "text";
  std::string output;
};

// What is judged: where a baseline is being made, nothing is relative to it.
std::vector<GateCheck> checks_of(const GateStep& step, const Options& options) {
  std::vector<GateCheck> checks = step.checks;
  if (!options.update_baseline && !options.new_baseline) return checks;
  for (GateCheck& check : checks) {
    if (check.target && check.target->is_relative) check.target.reset();
    if (check.maximum && check.maximum->is_relative) check.maximum.reset();
  }
  std::erase_if(checks, [](const GateCheck& check) { return !check.target && !check.maximum; });
  return checks;
}

bool has_slow_verdict(const std::vector<GateVerdict>& verdicts) {
  return std::ranges::any_of(verdicts, [](const GateVerdict& verdict) {
    return verdict.unit == "ns" &&
           (verdict.outcome == GateOutcome::kAboveMaximum || verdict.outcome == GateOutcome::kAboveTarget);
  });
}

std::vector<GateVerdict> judge_all(const std::vector<GateCheck>& checks, const RunRecord& record,
                                   const std::vector<RunRecord>& before) {
  std::vector<GateVerdict> verdicts;
  for (const GateCheck& check : checks) verdicts.push_back(judge(check, record, before));
  return verdicts;
}

GateStepResult run_step(const GateStep& step, const GateConfig& config, const Baseline& baseline,
                        const Options& options) {
  GateStepResult result;
  result.name = step.name;
  result.command = step.command;
  const std::vector<RunRecord> before = baseline.sessions(step.name);
  result.sessions_before = before.size();
  Result<RunRecord> record = measure_step(step, config.recordings);
  if (!record.ok()) {
    result.problem = record.error().message;
    return result;
  }
  record->host = read_host_facts();
  const std::vector<GateCheck> checks = checks_of(step, options);
  result.verdicts = judge_all(checks, *record, before);
  for (int i = 0; i < kConfirmations && has_slow_verdict(result.verdicts); ++i) {
    if (const Result<void> again = measure_again(step, *record); !again.ok()) {
      result.problem = again.error().message;
      return result;
    }
    result.verdicts = judge_all(checks, *record, before);
  }
  result.record = std::move(*record);
  return result;
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

Result<int> run_gate(const Options& options) {
  const Result<GateConfig> config = read_gate_config(options.config);
  const Result<std::vector<GateStep>> steps =
      config.ok() ? chosen_steps(*config, options) : Result<std::vector<GateStep>>(config.error());
  if (!steps.ok()) {
    print_error(steps.error().message);
    return kExitUsage;
  }
  Result<Baseline> baseline = options.new_baseline ? Baseline() : Baseline::read(config->baseline);
  if (!baseline.ok()) return baseline.error();

  GateResult result;
  result.config = config->path;
  const CheckedOut checked_out = checked_out_here();
  result.commit = checked_out.commit;
  const bool stores = options.update_baseline || options.new_baseline;
  // A new baseline begins with as many sessions as it takes to know how far they are apart.
  for (size_t session = 0; session < (options.new_baseline ? kLeastSessions : 1); ++session) {
    const InterruptGuard guard;
    result.steps.clear();
    for (const GateStep& step : *steps) {
      result.steps.push_back(run_step(step, *config, *baseline, options));
      if (InterruptGuard::interrupted()) return Error{"interrupted; the baseline is as it was"};
      GateStepResult& measured = result.steps.back();
      measured.record.commit = checked_out.commit;
      measured.record.branch = checked_out.branch;
      if (stores && measured.problem.empty()) baseline->add(measured.record);
    }
  }
  if (stores) {
    if (const Result<void> written = baseline->write(config->baseline); !written.ok()) return written.error();
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
  app.add_flag("--new-baseline", options->new_baseline, "begin the baseline anew, with five sessions")
      ->excludes(update);
  app.add_option("--format", options->format, "text, json or markdown")
      ->check(CLI::IsMember({"text", "json", "markdown"}))
      ->capture_default_str();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [options] { return run_gate(*options); };
}

}  // namespace flarestack
