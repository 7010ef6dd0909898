// SPDX-License-Identifier: Apache-2.0
#include "tools/reading_options.h"

#include <langinfo.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "base/terminal.h"
#include "base/text.h"
#include "tools/command.h"

namespace flarestack {
namespace {

Result<std::optional<int64_t>> time_option(const char* name, const std::string& text) {
  if (text.empty()) {
    return std::optional<int64_t>();
  }
  const Result<uint64_t> value = parse_duration(text);
  if (!value.ok()) {
    return Error{std::string(name) + ": " + value.error().message};
  }
  return std::optional<int64_t>(static_cast<int64_t>(*value));
}

void add_trace(CLI::App& app, ReadingOptions& options) {
  app.add_option("TRACE", options.trace, "the trace file that `record` wrote")->required();
}

void add_threads(CLI::App& app, ReadingOptions& options) {
  app.add_option("--process", options.profile.process, "only this process: a pid or a program's name");
  app.add_option("--thread", options.profile.thread, "only this thread: a tid or a thread's name");
}

void add_functions(CLI::App& app, ReadingOptions& options) {
  ProfileOptions& profile = options.profile;
  app.add_option("--focus", profile.focus, "only stacks with a function that matches this regular expression");
  app.add_option("--ignore", profile.ignore, "only stacks without a function that matches this regular expression");
  app.add_flag("--no-inline", options.no_inline, "inlined functions are part of the function they are in");
}

void add_times(CLI::App& app, ReadingOptions& options) {
  app.add_option("--from", options.from, "only from this time of the recording on, such as 2s or 500ms");
  app.add_option("--to", options.to, "only up to this time of the recording");
}

void add_choices(CLI::App& app, ReadingOptions& options) {
  add_threads(app, options);
  add_functions(app, options);
  app.add_option(
         "--metric", options.metric,
         "what is counted: cpu or wall time, bytes allocated, allocations, bytes at the heap's peak, bytes live at "
         "the end, temporary allocations, bytes definitely and indirectly lost (default: what was recorded, time "
         "first)")
      ->check(CLI::IsMember({"cpu", "wall", "allocated", "allocations", "peak", "live", "temporary", "leaked"}));
  app.add_option(
      "--region", options.profile.region,
      "only what was done in this region of the program's own, and in what is nested in it: its name, or its path, "
      "as in load/parse");
  add_times(app, options);
}

}  // namespace

void add_filters(CLI::App& app, ReadingOptions& options) {
  add_trace(app, options);
  add_threads(app, options);
  add_functions(app, options);
}

void add_range(CLI::App& app, ReadingOptions& options) {
  add_trace(app, options);
  add_threads(app, options);
  add_times(app, options);
}

std::shared_ptr<ReadingOptions> add_reading_options(CLI::App& app) {
  auto options = std::make_shared<ReadingOptions>();
  add_trace(app, *options);
  add_choices(app, *options);
  return options;
}

std::shared_ptr<ReadingOptions> add_reading_choices(CLI::App& app) {
  auto options = std::make_shared<ReadingOptions>();
  add_choices(app, *options);
  return options;
}

Result<ProfileOptions> chosen_options(const LoadedTrace& trace, const ReadingOptions& options) {
  ProfileOptions chosen = options.profile;
  chosen.metric = metric_of_name(options.metric).value_or(options.default_metric.value_or(trace.default_metric()));
  chosen.inline_frames = !options.no_inline;
  const auto from = time_option("--from", options.from);
  const auto to = time_option("--to", options.to);
  if (!from.ok() || !to.ok()) {
    return from.ok() ? to.error() : from.error();
  }
  chosen.from_ns = *from;
  chosen.to_ns = *to;
  return chosen;
}

Result<Profile> choose_profile(LoadedTrace& trace, const ReadingOptions& options) {
  const Result<ProfileOptions> chosen = chosen_options(trace, options);
  if (!chosen.ok()) {
    return chosen.error();
  }
  Result<Profile> profile = trace.profile(*chosen);
  if (profile.ok() && !options.metric.empty() && !is_heap_metric(chosen->metric) && !profile->recording.has_cpu()) {
    return Error{"--metric " + options.metric +
                 ": this recording has no CPU samples in it; `flarestack record` without --no-cpu takes them"};
  }
  const bool may_be_unknown = chosen->metric == Metric::kPeak || chosen->metric == Metric::kTemporary;
  if (profile.ok() && profile->recording.is_imported() && may_be_unknown && profile->total() == 0) {
    return Error{std::string("--metric ") + metric_name(chosen->metric) +
                 ": what this was imported from does not tell it"};
  }
  if (profile.ok() && options.metric == metric_name(Metric::kLeaked) && profile->recording.leak_checks.empty()) {
    return Error{"--metric leaked: this recording has no leak check in it; `flarestack leaks` tells why"};
  }
  if (profile.ok() && !profile->quality.damage.empty() && !options.still_recording) {
    // Also where the output has no room for it (a tree, an export): on stderr, which a pipe keeps apart.
    fmt::print(stderr, "flarestack: {}: {}\n", options.trace, fmt::join(profile->quality.damage, "; "));
  }
  return profile;
}

Result<Profile> load_chosen(const ReadingOptions& options) {
  Result<LoadedTrace> trace = LoadedTrace::open(options.trace);
  return trace.ok() ? choose_profile(*trace, options) : trace.error();
}

std::shared_ptr<ReportingOptions> add_reporting_options(CLI::App& app, const std::vector<std::string>& formats,
                                                        const std::string& what_is_light) {
  auto options = std::make_shared<ReportingOptions>();
  app.add_option("--threshold", options->threshold_percent, "leave out " + what_is_light + " below this percentage")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  std::string choice = formats.front();
  for (size_t i = 1; i < formats.size(); ++i) choice += (i + 1 == formats.size() ? " or " : ", ") + formats[i];
  app.add_option("--format", options->format, choice)->check(CLI::IsMember(formats))->capture_default_str();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return options;
}

Result<int> write_report(const ReportingOptions& options, const std::string& text) {
  const Result<void> written = write_output(options.output, text);
  return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
}

TextLayout layout_for(const std::string& output) {
  TextLayout layout;
  if (output.empty() || output == "-") {
    layout.colour = wants_colour(1) ? Colour::kAlways : Colour::kNever;
    layout.width = std::clamp<size_t>(terminal_width(1).value_or(layout.width), 60, 200);
    std::setlocale(LC_CTYPE, "");
    layout.unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
    std::setlocale(LC_CTYPE, "C");
  }
  return layout;
}

}  // namespace flarestack
