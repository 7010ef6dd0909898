// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "report/report_json.h"
#include "report/report_markdown.h"
#include "report/report_text.h"
#include "tools/bottlenecks.h"
#include "tools/command.h"
#include "tools/leak_judgement.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

// The profile that findings of the heap are made of, besides `profile`; none: it is one itself, or there is no heap.
std::optional<Profile> heap_beside(LoadedTrace& trace, const Profile& profile, ReadingOptions reading) {
  if (!profile.recording.has_heap() || is_heap_metric(profile.options.metric)) return std::nullopt;
  reading.metric = metric_name(Metric::kAllocated);
  reading.still_recording = true;  // of damage it has been told
  Result<Profile> heap = choose_profile(trace, reading);
  return heap.ok() ? std::optional<Profile>(std::move(*heap)) : std::nullopt;
}

}  // namespace

CommandBody declare_report(CLI::App& app) {
  auto reading = add_reading_options(app);
  auto options = add_reporting_options(app, {"text", "json", "md"}, "functions");
  auto top = std::make_shared<size_t>(0);
  app.add_option("--top", *top, "at most so many findings and functions (0: ten, and all)")->capture_default_str();
  return [reading, options, top]() -> Result<int> {
    Result<LoadedTrace> trace = LoadedTrace::open(reading->trace);
    if (!trace.ok()) {
      return trace.error();
    }
    const Result<Profile> profile = choose_profile(*trace, *reading);
    if (!profile.ok()) {
      return profile.error();
    }
    ReportOptions report;
    report.threshold = options->threshold_percent / 100;
    report.top = *top;
    report.layout = layout_for(options->output);
    // Who asks for a metric, or for a part of the stacks, has found what matters.
    Findings findings;
    std::optional<Profile> heap;
    Suppressions suppressions;
    if (reading->metric.empty() && reading->profile.focus.empty() && reading->profile.ignore.empty()) {
      if (const auto status = read_suppressions({}, true, suppressions)) {
        return *status;
      }
      if (std::optional<Profile> beside = heap_beside(*trace, *profile, *reading)) heap.emplace(std::move(*beside));
      const bool is_heap = is_heap_metric(profile->options.metric);
      const Profile* beside_it = heap ? &*heap : nullptr;
      findings =
          explained_bottlenecks(is_heap ? nullptr : &*profile, is_heap ? &*profile : beside_it, suppressions,
                                std::max(report.threshold, kFindingThreshold), annotation_sources(!reading->no_inline));
      report.findings = &findings;
    }
    return write_report(*options, options->format == "json" ? report_json(*profile, report)
                                  : options->format == "md" ? report_markdown(*profile, report)
                                                            : report_text(*profile, report));
  };
}

}  // namespace flarestack
