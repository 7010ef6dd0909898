// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "model/loaded_trace.h"
#include "model/scaling_study.h"
#include "profiler/timed_run.h"
#include "report/scale_json.h"
#include "report/scale_plot.h"
#include "report/scale_text.h"
#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/progress.h"
#include "tools/reading_options.h"
#include "tools/recorded_run.h"
#include "tools/recording.h"
#include "tools/scratch_folder.h"

namespace flarestack {
namespace {

struct ScaleOptions {
  std::string parameter;
  uint32_t runs = 1;
  std::vector<double> asked_sizes;
  std::string traces;
  std::string picture;
  std::string format = "text";
  size_t top = 10;
  bool ignore_failure = false;
  RecordingOptions recording;
};

struct SizedCommand {
  double size = 0;
  std::string text;  // of the size, as typed
  std::vector<std::string> words;
};

// Error: wrong usage.
Result<std::vector<SizedCommand>> sized_commands(const ScaleOptions& options, const Parameter& parameter) {
  std::vector<SizedCommand> commands;
  const std::vector<std::string>& words = options.recording.record.command;
  const std::string placeholder = "{" + parameter.name + "}";
  if (std::ranges::none_of(words, [&](const std::string& word) { return word.find(placeholder) != std::string::npos; }))
    return Error{fmt::format("--parameter {}: the command has no {}", parameter.name, placeholder)};
  for (const std::string& value : parameter.values) {
    SizedCommand command;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), command.size);
    if (error != std::errc() || end != value.data() + value.size() || !(command.size > 0) ||
        !std::isfinite(command.size))
      return Error{fmt::format("--parameter {}: a size is a number above 0, not '{}'", parameter.name, value)};
    command.text = value;
    for (const std::string& word : words) command.words.push_back(filled_in(word, {{parameter.name, value}}));
    commands.push_back(std::move(command));
  }
  std::ranges::stable_sort(commands, {}, &SizedCommand::size);
  const auto same = std::ranges::adjacent_find(commands, {}, &SizedCommand::size);
  if (same != commands.end())
    return Error{fmt::format("--parameter {}: the size {} is there twice", parameter.name, same->text)};
  if (commands.size() < 2) return Error{fmt::format("--parameter {}: growth is told of several sizes", parameter.name)};
  return commands;
}

// What a trace adds to the study. Error: it cannot be read.
Result<void> add_trace(const std::string& path, size_t index, ScalingBuilder& builder) {
  Result<LoadedTrace> trace = LoadedTrace::open(path);
  if (!trace.ok()) return trace.error();
  ProfileOptions options;
  std::optional<Profile> cpu;
  std::optional<Profile> heap;
  if (trace->recording().has_cpu()) {
    Result<Profile> profile = trace->profile(options);
    if (!profile.ok()) return profile.error();
    cpu.emplace(std::move(*profile));
  }
  if (trace->recording().has_heap()) {
    options.metric = Metric::kAllocated;
    Result<Profile> profile = trace->profile(options);
    if (!profile.ok()) return profile.error();
    heap.emplace(std::move(*profile));
  }
  builder.add(index, cpu ? &*cpu : nullptr, heap ? &*heap : nullptr);
  return {};
}

class Study {
 public:
  Study(const ScaleOptions& options, const std::vector<SizedCommand>& commands, std::string folder)
      : options_(options), commands_(commands), folder_(std::move(folder)), builder_(sizes_of(commands)) {}

  // Error: a run failed, or cannot be recorded.
  Result<ScalingStudy> run();

 private:
  static std::vector<double> sizes_of(const std::vector<SizedCommand>& commands) {
    std::vector<double> sizes;
    for (const SizedCommand& command : commands) sizes.push_back(command.size);
    return sizes;
  }
  Result<void> record_size(size_t index, uint32_t run);

  const ScaleOptions& options_;
  const std::vector<SizedCommand>& commands_;
  std::string folder_;
  ScalingBuilder builder_;
  std::vector<std::string> notes_;
};

Result<void> Study::record_size(size_t index, uint32_t run) {
  const SizedCommand& command = commands_[index];
  RecordOptions recording = options_.recording.record;
  recording.command = command.words;
  recording.output_path = fmt::format("{}/{}.{}.flare", folder_, command.text, run + 1);
  const Result<RecordOutcome> outcome = recorded_run(recording);
  if (InterruptGuard::interrupted()) return {};  // this run was ended
  if (!outcome.ok()) return outcome.error();
  if (!outcome->recorded) {
    return Error{outcome->problem.empty() ? "nothing was recorded: no process could load the agent" : outcome->problem};
  }
  if (outcome->exit_status != 0 && !options_.ignore_failure) {
    return Error{fmt::format("{}: it ended with exit status {}; --ignore-failure goes on all the same",
                             command_line(command.words), outcome->exit_status)};
  }
  if (!outcome->problem.empty()) notes_.push_back(fmt::format("at {}: {}", command.text, outcome->problem));
  return add_trace(recording.output_path, index, builder_);
}

Result<ScalingStudy> Study::run() {
  Progress progress;
  const size_t all = commands_.size() * options_.runs;
  for (size_t i = 0; i < all && !InterruptGuard::interrupted(); ++i) {
    const size_t index = i % commands_.size();
    progress.show(i, all, command_line(commands_[index].words));
    if (const Result<void> done = record_size(index, static_cast<uint32_t>(i / commands_.size())); !done.ok())
      return done.error();
  }
  ScalingStudy study = builder_.finish();
  study.line = command_line(options_.recording.record.command);
  study.host = read_host_facts();
  study.asked_sizes = options_.asked_sizes;
  study.notes = std::move(notes_);
  study.interrupted = InterruptGuard::interrupted();
  return study;
}

Result<ScalingStudy> record_study(const ScaleOptions& options, const std::vector<SizedCommand>& commands) {
  const InterruptGuard guard;
  if (!options.traces.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.traces, error);
    if (error) return Error{"make the folder " + options.traces + ": " + error.message()};
    return Study(options, commands, options.traces).run();
  }
  const Result<ScratchFolder> scratch = ScratchFolder::create();
  if (!scratch.ok()) return scratch.error();
  return Study(options, commands, scratch->path()).run();
}

int usage_error(const std::string& message) {
  print_error(message);
  return kExitUsage;
}

Result<int> run_scale(ScaleOptions& options) {
  const Result<Parameter> parameter = parse_parameter(options.parameter);
  if (!parameter.ok()) return usage_error(parameter.error().message);
  const Result<std::vector<SizedCommand>> commands = sized_commands(options, *parameter);
  if (!commands.ok()) return usage_error(commands.error().message);
  if (const Result<void> settled = settle_options(options.recording); !settled.ok())
    return usage_error(settled.error().message);
  if (options.recording.no_cpu && options.recording.no_heap)
    return usage_error("with --no-cpu and --no-heap there is nothing left to record");
  Result<ScalingStudy> study = record_study(options, *commands);
  if (!study.ok()) return study.error();
  study->parameter = parameter->name;
  if (!options.picture.empty()) {
    if (const Result<void> written = write_output(options.picture, scale_plot_svg(*study)); !written.ok())
      return written.error();
  }
  const Result<void> written = write_output(
      "", options.format == "json" ? scale_json(*study) : scale_text(*study, {layout_for(""), options.top}));
  if (!written.ok()) return written.error();
  return study->interrupted ? kExitFailed : kExitGood;
}

}  // namespace

CommandBody declare_scale(CLI::App& app) {
  auto options = std::make_shared<ScaleOptions>();
  app.add_option("--parameter", options->parameter,
                 "NAME=10,100,...: the sizes to record, which {NAME} in the command stands for; four or more")
      ->required();
  app.add_option("--runs", options->runs, "recordings of each size")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  app.add_option("--predict", options->asked_sizes, "what it will cost at this size; repeatable")
      ->allow_extra_args(false)
      ->check(CLI::PositiveNumber);
  app.add_flag("--ignore-failure", options->ignore_failure, "go on where the command ends with another status than 0");
  app.add_option("-o,--output", options->picture, "draw it as this SVG file");
  app.add_option("--traces", options->traces, "keep the recordings in this folder");
  app.add_option("--top", options->top, "at most so many functions and sites of each kind (0: all)")
      ->capture_default_str();
  app.add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  declare_sampling_options(app, options->recording);
  app.add_option("PROGRAM", options->recording.record.command, "the program and its arguments, behind --")->required();
  app.prefix_command(false);
  app.positionals_at_end();
  return [options] { return run_scale(*options); };
}

}  // namespace flarestack
