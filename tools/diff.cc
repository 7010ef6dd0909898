// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "report/diff_json.h"
#include "report/diff_markdown.h"
#include "report/diff_text.h"
#include "report/difference_svg.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

constexpr std::array kByDefault = {Metric::kCpu,  Metric::kWall,      Metric::kAllocated,
                                   Metric::kPeak, Metric::kTemporary, Metric::kLeaked};

struct DiffCommand {
  std::string base;
  std::string newer;
  std::vector<std::string> bases;
  std::vector<std::string> newers;
  std::string totals = "absolute";
  double threshold_percent = 100 * ChangeTest::kLeastShare;
  std::string format;
  std::string output;
  std::optional<size_t> top;
};

// The traces of one side.
struct Side {
  std::vector<std::string> paths;
  std::vector<LoadedTrace> traces;
};

Result<Side> open_side(const std::vector<std::string>& paths) {
  Side side{paths, {}};
  for (const std::string& path : paths) {
    Result<LoadedTrace> trace = LoadedTrace::open(path);
    if (!trace.ok()) return trace.error();
    side.traces.push_back(std::move(*trace));
  }
  return side;
}

bool is_recorded(const Recording& recording, Metric metric) {
  if (metric == Metric::kWall) return recording.session.wall_clock;
  if (metric == Metric::kLeaked) return !recording.leak_checks.empty();
  return is_heap_metric(metric) ? recording.has_heap() : recording.has_cpu();
}

// Those that all traces have.
std::vector<Metric> common_metrics(const Side& base, const Side& newer) {
  std::vector<Metric> metrics;
  for (const Metric metric : kByDefault) {
    const auto has = [metric](const LoadedTrace& trace) { return is_recorded(trace.recording(), metric); };
    if (std::all_of(base.traces.begin(), base.traces.end(), has) &&
        std::all_of(newer.traces.begin(), newer.traces.end(), has))
      metrics.push_back(metric);
  }
  return metrics;
}

Result<std::vector<Profile>> profiles_of(Side& side, ReadingOptions reading) {
  std::vector<Profile> profiles;
  for (size_t i = 0; i < side.traces.size(); ++i) {
    reading.trace = side.paths[i];
    Result<Profile> profile = choose_profile(side.traces[i], reading);
    if (!profile.ok()) return Error{side.paths[i] + ": " + profile.error().message};
    profiles.push_back(std::move(*profile));
  }
  return profiles;
}

std::vector<const Profile*> pointers_to(const std::vector<Profile>& profiles) {
  std::vector<const Profile*> pointers;
  for (const Profile& each : profiles) pointers.push_back(&each);
  return pointers;
}

DiffReportSide described(const Side& side) {
  return {side.paths, command_line(side.traces.front().recording().session.command)};
}

// Recordings that were made of another tool's output may not tell this one.
bool may_be_unknown(Metric metric, const Side& side) {
  return (metric == Metric::kPeak || metric == Metric::kTemporary) &&
         std::any_of(side.traces.begin(), side.traces.end(),
                     [](const LoadedTrace& trace) { return trace.recording().is_imported(); });
}

std::string written(const DiffCommand& command, const DiffReport& report, const std::optional<DifferenceTree>& tree) {
  if (tree) return difference_svg(*tree, report);
  if (command.format == "json") return diff_json(report);
  return command.format == "md" ? diff_markdown(report) : diff_text(report);
}

Result<int> run_diff(const DiffCommand& command, ReadingOptions reading) {
  Result<Side> base = open_side(command.bases);
  if (!base.ok()) return base.error();
  Result<Side> newer = open_side(command.newers);
  if (!newer.ok()) return newer.error();
  std::vector<Metric> metrics = common_metrics(*base, *newer);
  if (const std::optional<Metric> asked = metric_of_name(reading.metric)) metrics = {*asked};
  if (metrics.empty()) return Error{"these recordings have nothing in common that could be compared"};
  if (command.format == "svg") metrics.resize(1);  // a picture is of one

  DiffOptions options;
  options.equal_totals = command.totals == "equal";
  options.least_share = command.threshold_percent / 100;
  DiffReport report;
  report.base = described(*base);
  report.newer = described(*newer);
  report.equal_totals = options.equal_totals;
  report.top = command.top.value_or(command.format == "json" ? 0 : report.top);
  report.layout = layout_for(command.output);
  std::optional<DifferenceTree> tree;
  const bool asked = !reading.metric.empty();
  for (const Metric metric : metrics) {
    reading.default_metric = metric;
    const Result<std::vector<Profile>> of_base = profiles_of(*base, reading);
    const Result<std::vector<Profile>> of_newer = profiles_of(*newer, reading);
    if (!of_base.ok() || !of_newer.ok()) {
      if (!asked && (may_be_unknown(metric, *base) || may_be_unknown(metric, *newer))) continue;
      return of_base.ok() ? of_newer.error() : of_base.error();
    }
    reading.still_recording = true;  // of damage it has been told
    report.filters = describe_filters(of_base->front().options);
    const std::vector<const Profile*> bases = pointers_to(*of_base), newers = pointers_to(*of_newer);
    report.metrics.push_back(diff_profiles(bases, newers, options));
    if (command.format == "svg") tree = difference_tree(bases, newers, options.equal_totals, options.least_share);
  }
  const Result<void> saved = write_output(command.output, written(command, report, tree));
  return saved.ok() ? Result<int>(kExitGood) : Result<int>(saved.error());
}

}  // namespace

CommandBody declare_diff(CLI::App& app) {
  auto command = std::make_shared<DiffCommand>();
  app.add_option("BASE", command->base, "the trace to compare with");
  app.add_option("NEW", command->newer, "the trace that is compared");
  app.add_option("--base", command->bases,
                 "instead of BASE: several recordings of it; at least three of each side tell something");
  app.add_option("--new", command->newers, "instead of NEW: as many of the other");
  auto reading = add_reading_choices(app);
  app.get_option("--metric")
      ->description(
          "only this one (default: cpu, wall, allocated, peak, temporary and leaked, as far as both sides have them)");
  app.add_option("--totals", command->totals,
                 "absolute: values as they are; equal: both sides scaled to one total, so that shares are compared")
      ->check(CLI::IsMember({"absolute", "equal"}))
      ->capture_default_str();
  app.add_option("--threshold", command->threshold_percent, "leave out changes below this percentage of the total")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--top", command->top, "at most so many rows in each table (0: all; default: 10, of JSON all)");
  app.add_option(
         "--format", command->format,
         "text, json, md for a pull request, or svg: a flame graph of the difference in one metric (default: text, "
         "svg where the output's name ends so)")
      ->check(CLI::IsMember({"text", "json", "md", "svg"}));
  app.add_option("-o,--output", command->output, "a file instead of stdout");
  return [command, reading]() -> Result<int> {
    DiffCommand chosen = *command;
    if (!chosen.base.empty()) chosen.bases.push_back(chosen.base);
    if (!chosen.newer.empty()) chosen.newers.push_back(chosen.newer);
    const bool twice =
        (!chosen.base.empty() && chosen.bases.size() > 1) || (!chosen.newer.empty() && chosen.newers.size() > 1);
    if (twice || chosen.bases.empty() || chosen.newers.empty()) {
      print_error("diff takes two traces, BASE and NEW, or several of each side with --base and --new");
      return kExitUsage;
    }
    if (chosen.format.empty()) chosen.format = chosen.output.ends_with(".svg") ? "svg" : "text";
    return run_diff(chosen, *reading);
  };
}

}  // namespace flarestack
