// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "report/packed.h"
#include "report/text_style.h"
#include "report/view_data.h"
#include "report/view_html.h"
#include "tools/bottlenecks.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

constexpr size_t kAnnotatedByTime = 20;
constexpr size_t kAnnotatedByBytes = 10;

Result<std::optional<Profile>> profile_of(LoadedTrace& trace, ReadingOptions reading, Metric metric, bool wanted) {
  if (!wanted) return std::optional<Profile>();
  reading.metric = metric_name(metric);
  Result<Profile> profile = choose_profile(trace, reading);
  if (!profile.ok()) return profile.error();
  return std::optional<Profile>(std::move(*profile));
}

bool has_waiting(const Recording& recording) {
  return recording.session.wall_clock ||
         std::any_of(recording.samples.begin(), recording.samples.end(),
                     [](const RecordedSample& sample) { return sample.metric == SampleMetric::kOffCpu; });
}

bool is_recorded(const Recording& recording, Metric metric) {
  if (metric == Metric::kLeaked) return !recording.leak_checks.empty();
  return is_heap_metric(metric) ? recording.has_heap() : recording.has_cpu();
}

struct Profiles {
  std::optional<Profile> time;  // of the wall clock where that was recorded
  std::optional<Profile> cpu;   // where `time` is of the wall clock
  std::optional<Profile> heap;
};

Result<Profiles> read_profiles(LoadedTrace& trace, ReadingOptions reading) {
  const Recording& recording = trace.recording();
  reading.from.clear();  // the page has all of it, and begins with the range
  reading.to.clear();
  reading.profile.every_frame = true;
  const bool waiting = has_waiting(recording);
  const bool has_time = recording.has_cpu() || !recording.has_heap();
  auto time = profile_of(trace, reading, waiting ? Metric::kWall : Metric::kCpu, has_time);
  if (!time.ok()) return time.error();
  reading.still_recording = has_time;  // of damage it has been told
  auto cpu = profile_of(trace, reading, Metric::kCpu, has_time && waiting);
  if (!cpu.ok()) return cpu.error();
  auto heap = profile_of(trace, reading, Metric::kAllocated, recording.has_heap());
  if (!heap.ok()) return heap.error();
  return Profiles{std::move(*time), std::move(*cpu), std::move(*heap)};
}

// Of a recording whose session was lost, more may be asked for than there is.
Metric shown_first(Metric chosen, const Profiles& profiles) {
  if (is_heap_metric(chosen)) return chosen;
  if (!profiles.time) return Metric::kAllocated;
  return profiles.cpu ? chosen : Metric::kCpu;
}

struct Packed {
  std::string title;
  std::string data;
};

// One recording.
Result<Packed> pack(const ReadingOptions& reading, const std::string& title) {
  Result<LoadedTrace> trace = LoadedTrace::open(reading.trace);
  if (!trace.ok()) return trace.error();
  const Result<ProfileOptions> chosen = chosen_options(*trace, reading);
  if (!chosen.ok()) return chosen.error();
  // Says why not, as every command.
  if (!is_recorded(trace->recording(), chosen->metric) && !reading.metric.empty())
    return choose_profile(*trace, reading).error();
  const Result<Profiles> profiles = read_profiles(*trace, reading);
  if (!profiles.ok()) return profiles.error();
  Suppressions suppressions;
  if (const Result<void> added = suppressions.add(kBuiltinSuppressions, kBuiltinSuppressionsName); !added.ok())
    return added.error();

  const AnnotationSources code = annotation_sources(!reading.no_inline);
  ViewSources sources;
  sources.time = profiles->time ? &*profiles->time : nullptr;
  sources.heap = profiles->heap ? &*profiles->heap : nullptr;
  std::optional<Findings> findings;
  if (reading.profile.focus.empty() && reading.profile.ignore.empty())
    findings = explained_bottlenecks(sources.time, sources.heap, suppressions, kFindingThreshold, code);
  sources.findings = findings ? &*findings : nullptr;
  std::optional<Leaks> leaks;
  LeakOptions leak_options;
  leak_options.suppressions = &suppressions;
  if (profiles->heap) leaks = find_leaks(*profiles->heap, leak_options);
  sources.leaks = leaks ? &*leaks : nullptr;
  sources.suppressions = &suppressions;
  // Of CPU time, which waiting is none of.
  if (profiles->time)
    add_hottest(profiles->cpu ? *profiles->cpu : *profiles->time, kAnnotatedByTime, code, sources.code);
  if (profiles->heap) add_hottest(*profiles->heap, kAnnotatedByBytes, code, sources.code);
  sources.default_metric = shown_first(chosen->metric, *profiles);
  sources.title = title.empty() ? command_line(trace->recording().session.command) : title;
  sources.from_ns = chosen->from_ns;
  sources.to_ns = chosen->to_ns;
  return Packed{sources.title, gzip_base64(view_data(sources))};
}

// Of two traces: what tells them apart.
std::string short_title(const std::string& path, const std::string& other) {
  const auto file_name = [](const std::string& each) { return each.substr(each.find_last_of('/') + 1); };
  return file_name(path) == file_name(other) ? path : file_name(path);
}

}  // namespace

CommandBody declare_view(CLI::App& app) {
  struct Options {
    std::string other;
    std::string output;
    std::string title;
  };
  auto reading = add_reading_options(app);
  auto options = std::make_shared<Options>();
  app.add_option("OTHER", options->other, "a second trace, to compare with the first");
  app.add_option("-o,--output", options->output, "the HTML file; - for stdout")->required();
  app.add_option("--title", options->title, "instead of the command line");
  return [reading, options]() -> Result<int> {
    const std::vector<std::string> paths = {reading->trace, options->other};
    std::vector<std::string> profiles;
    std::string titles;
    for (size_t i = 0; i < 2 && !paths[i].empty(); ++i) {
      ReadingOptions of = *reading;
      of.trace = paths[i];
      Result<Packed> packed = pack(of, paths[1].empty() ? options->title : short_title(paths[i], paths[1 - i]));
      if (!packed.ok()) {
        return packed.error();
      }
      titles += (titles.empty() ? "" : " and ") + packed->title;
      profiles.push_back(std::move(packed->data));
    }
    const std::string title = options->title.empty() ? titles : options->title;
    const Result<void> written = write_output(options->output, view_html(title, profiles));
    return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
  };
}

}  // namespace flarestack
