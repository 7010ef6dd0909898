// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "report/bench_json.h"
#include "report/bench_text.h"
#include "tools/bench_runs.h"
#include "tools/command.h"
#include "tools/reading_options.h"
#include "tools/recording.h"
#include "tools/scratch_folder.h"

namespace flarestack {
namespace {

struct BenchOptions {
  uint32_t runs = 0;
  uint32_t warmups = 0;
  std::vector<std::string> prepare;
  std::vector<std::string> parameters;
  std::string shell = kAnyShell;
  std::vector<std::string> lines;
  std::vector<std::string> arguments;  // lines, or behind -- the words of one command
  bool no_record = false;
  std::string traces;
  bool show_output = false;
  bool ignore_failure = false;
  std::string format = "text";
  std::vector<std::string> exports;
  RecordingOptions recording;
};

// Error: wrong usage.
Result<std::vector<PlannedCommand>> planned_commands(const BenchOptions& options, bool is_words) {
  const Result<std::vector<Parameter>> parameters = parse_parameters(options.parameters);
  if (!parameters.ok()) return parameters.error();
  std::vector<std::string> lines = options.lines;
  if (!is_words) lines.insert(lines.end(), options.arguments.begin(), options.arguments.end());
  if (lines.empty() && options.arguments.empty()) return Error{"there is no command to measure"};
  std::string everything;
  for (const std::string& line : lines) everything += line + "\n";
  for (const std::string& word : options.arguments) everything += word + "\n";
  for (const Parameter& parameter : *parameters) {
    if (everything.find("{" + parameter.name + "}") == std::string::npos)
      return Error{fmt::format("--parameter {}: no command has {{{}}}", parameter.name, parameter.name)};
  }
  std::vector<PlannedCommand> commands;
  std::set<std::string> seen;
  const auto add = [&](PlannedCommand command, const Assignment& assignment) {
    command.parameters = assignment;
    // A command without a parameter is the same for all its values.
    if (assignment.empty() || seen.insert(command.line).second) commands.push_back(std::move(command));
  };
  for (const Assignment& assignment : all_assignments(*parameters)) {
    for (const std::string& line : lines) {
      Result<PlannedCommand> planned = plan_line(filled_in(line, assignment), options.shell);
      if (!planned.ok()) return planned.error();
      add(std::move(*planned), assignment);
    }
    if (!is_words) continue;
    std::vector<std::string> words;
    for (const std::string& word : options.arguments) words.push_back(filled_in(word, assignment));
    add(plan_words(words), assignment);
  }
  return commands;
}

std::string formatted(const Benchmark& benchmark, const std::string& format) {
  return format == "json" ? bench_json(benchmark)
         : format == "md" ? bench_markdown(benchmark)
                          : bench_text(benchmark, layout_for(""));
}

std::string check_export(const std::string& path) {
  return path.ends_with(".json") || path.ends_with(".md") ? "" : "it ends in .json or .md, which says what is written";
}

Result<void> record_them(BenchOptions& options, const BenchPlan& plan, Progress& progress, Benchmark& benchmark) {
  std::optional<ScratchFolder> scratch;
  std::string folder = options.traces;
  if (folder.empty()) {
    Result<ScratchFolder> made = ScratchFolder::create();
    if (!made.ok()) return made.error();
    scratch.emplace(std::move(*made));
    folder = scratch->path();
  }
  record_commands(plan, options.recording.record, folder, progress, benchmark);
  if (scratch) {
    for (BenchmarkedCommand& command : benchmark.commands) command.trace_path.clear();
  }
  return {};
}

// Wrong usage is found before anything runs.
Result<void> make_folder(const std::string& folder) {
  if (folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{"make the folder " + folder + ": " + error.message()};
  return {};
}

Result<int> run_bench(BenchOptions& options, bool is_words) {
  BenchPlan plan;
  Result<std::vector<PlannedCommand>> commands = planned_commands(options, is_words);
  if (!commands.ok()) {
    print_error(commands.error().message);
    return kExitUsage;
  }
  plan.commands = std::move(*commands);
  if (options.prepare.size() > 1 && options.prepare.size() != plan.commands.size()) {
    print_error(fmt::format("--prepare is there {} times, for {} commands: it is one for all, or one for each",
                            options.prepare.size(), plan.commands.size()));
    return kExitUsage;
  }
  if (const Result<void> settled = settle_options(options.recording); !settled.ok()) {
    print_error(settled.error().message);
    return kExitUsage;
  }
  if (const Result<void> made = make_folder(options.traces); !made.ok()) return made.error();
  plan.runs = options.runs;
  plan.warmups = options.warmups;
  plan.prepare = options.prepare;
  plan.shell = options.shell;
  plan.output = options.show_output ? CommandOutput::kPassedOn : CommandOutput::kDiscarded;
  plan.ignore_failure = options.ignore_failure;

  std::optional<InterruptGuard> guard(std::in_place);
  Progress progress;
  Result<Benchmark> benchmark = measure_commands(plan, progress);
  if (!benchmark.ok()) return benchmark.error();
  if (!options.no_record && !benchmark->interrupted) {
    if (const Result<void> recorded = record_them(options, plan, progress, *benchmark); !recorded.ok())
      benchmark->notes.push_back("no recorded runs: " + recorded.error().message);
    benchmark->interrupted = InterruptGuard::interrupted();
  }
  guard.reset();
  for (const std::string& path : options.exports) {
    const Result<void> written = write_output(path, formatted(*benchmark, path.ends_with(".md") ? "md" : "json"));
    if (!written.ok()) return written.error();
  }
  const Result<void> written = write_output("", formatted(*benchmark, options.format));
  if (!written.ok()) return written.error();
  return benchmark->interrupted ? kExitFailed : kExitGood;
}

}  // namespace

CommandBody declare_bench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  app.add_option("--runs", options->runs, "of each command (default: at least 10, and for at least 3 s)")
      ->check(CLI::Range(1U, 1000000U));
  app.add_option("--warmup", options->warmups, "so many runs of each before those that count")
      ->check(CLI::Range(0U, 1000000U));
  app.add_option("--prepare", options->prepare,
                 "a line for the shell before each run, not measured; repeatable: one for each command")
      ->allow_extra_args(false);
  app.add_option("--parameter", options->parameters,
                 "NAME=a,b,c: each command once for each value, which {NAME} in it stands for; repeatable")
      ->allow_extra_args(false);
  app.add_option("--command", options->lines, "a command line; repeatable; the same as a quoted argument")
      ->allow_extra_args(false);
  app.add_option("--shell", options->shell,
                 "auto: /bin/sh for lines that need one; none; or a shell, such as \"bash --norc\"")
      ->capture_default_str();
  app.add_flag("--show-output", options->show_output, "pass the commands' stdout and stderr on");
  app.add_flag("--ignore-failure", options->ignore_failure, "measure commands that end with another status than 0");
  app.add_flag("--no-record", options->no_record, "no recorded run of each command at the end");
  app.add_option("-o,--traces", options->traces, "keep the recorded runs in this folder");
  declare_sampling_options(app, options->recording);
  app.add_option("--format", options->format, "text, json or md")
      ->check(CLI::IsMember({"text", "json", "md"}))
      ->capture_default_str();
  app.add_option("--export", options->exports, "write the result to this .json or .md file as well; repeatable")
      ->allow_extra_args(false)
      ->check(CLI::Validator(check_export, "FILE"));
  app.add_option("COMMAND", options->arguments,
                 "command lines, each one argument; or behind -- the words of a single command");
  return [options, &app] { return run_bench(*options, has_double_dash(app)); };
}

}  // namespace flarestack
