// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "report/usage_plot.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

struct PlotCommand {
  std::string show = "all";
  std::string output;
  std::string format;
};

Result<std::optional<Profile>> profile_of(LoadedTrace& trace, ReadingOptions reading, Metric metric, bool wanted) {
  if (!wanted) return std::optional<Profile>();
  reading.default_metric = metric;
  Result<Profile> profile = choose_profile(trace, reading);
  if (!profile.ok()) return profile.error();
  return std::optional<Profile>(std::move(*profile));
}

Result<int> run_plot(const PlotCommand& command, ReadingOptions reading) {
  Result<LoadedTrace> trace = LoadedTrace::open(reading.trace);
  if (!trace.ok()) return trace.error();
  const bool has_heap = trace->recording().has_heap();
  const bool has_cpu = trace->recording().has_cpu();
  if (command.show == "memory" && !has_heap)
    return Error{"--show memory: this recording has no heap in it; `flarestack record` without --no-heap records one"};
  if (command.show == "cpu" && !has_cpu)
    return Error{
        "--show cpu: this recording has no CPU samples in it; `flarestack record` without --no-cpu takes them"};
  const bool of_thread = !reading.profile.thread.empty();
  if (command.show == "memory" && of_thread) return Error{"--show memory: memory is a process's; leave out --thread"};
  const auto memory = profile_of(*trace, reading, Metric::kAllocated, has_heap && command.show != "cpu" && !of_thread);
  if (!memory.ok()) return memory.error();
  reading.still_recording = memory->has_value();  // of damage it has been told
  const auto time = profile_of(*trace, reading, Metric::kCpu, has_cpu && command.show != "memory");
  if (!time.ok()) return time.error();
  if (!*memory && !*time) return Error{reading.trace + ": there is nothing in it that has a course over time"};

  const UsagePlot plot = usage_plot(*memory ? &**memory : nullptr, *time ? &**time : nullptr,
                                    outermost_spans(*memory ? **memory : **time));
  if (plot.panels.empty()) return Error{"nothing is known of this time, or of these processes, that could be plotted"};
  const std::string text =
      command.format == "svg" ? usage_plot_svg(plot) : usage_plot_text(plot, layout_for(command.output));
  const Result<void> written = write_output(command.output, text);
  return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
}

}  // namespace

CommandBody declare_plot(CLI::App& app) {
  auto reading = std::make_shared<ReadingOptions>();
  auto command = std::make_shared<PlotCommand>();
  add_range(app, *reading);
  app.add_option("--show", command->show, "memory: heap and resident; cpu: processors in use; all")
      ->check(CLI::IsMember({"all", "memory", "cpu"}))
      ->capture_default_str();
  app.add_option("--format", command->format, "text or svg (default: text, svg where the output's name ends so)")
      ->check(CLI::IsMember({"text", "svg"}));
  app.add_option("-o,--output", command->output, "a file instead of stdout");
  return [command, reading]() -> Result<int> {
    PlotCommand chosen = *command;
    if (chosen.format.empty()) chosen.format = chosen.output.ends_with(".svg") ? "svg" : "text";
    return run_plot(chosen, *reading);
  };
}

}  // namespace flarestack
