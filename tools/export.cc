// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>

#include "report/callgrind.h"
#include "report/chrome_trace.h"
#include "report/collapsed.h"
#include "report/firefox_profile.h"
#include "report/heaptrack_text.h"
#include "report/massif.h"
#include "report/pprof.h"
#include "report/profile_csv.h"
#include "report/profile_json.h"
#include "report/speedscope.h"
#include "tools/command.h"
#include "tools/reading_options.h"

namespace flarestack {
namespace {

struct ExportFormat {
  const char* name;
  const char* summary;
  std::string (*write)(const Profile& profile);
  // Of a format that tells the whole heap, whichever --metric: what it is written from.
  std::optional<Metric> heap_metric = std::nullopt;
  // Of a format that has room for what was allocated beside the time; for when no --metric is asked for.
  std::string (*write_with_heap)(const Profile& profile, const Profile& heap) = nullptr;
};

constexpr std::array kFormats = {
    ExportFormat{"collapsed", "one line a stack, \"root;child;leaf VALUE\"", collapsed},
    ExportFormat{"pprof", "a gzipped profile.proto, as Go's pprof reads it", pprof_profile},
    ExportFormat{"speedscope", "for speedscope.app", speedscope},
    ExportFormat{"firefox", "for profiler.firefox.com", firefox_profile, std::nullopt, firefox_profile_with_heap},
    ExportFormat{"chrome", "for Perfetto and chrome://tracing", chrome_trace},
    ExportFormat{"callgrind", "for KCachegrind and callgrind_annotate", callgrind},
    ExportFormat{"json", "all of the profile, for scripts", profile_json},
    ExportFormat{"csv", "the functions, for spreadsheets", profile_csv},
    ExportFormat{"massif", "the heap over time, for ms_print", massif, Metric::kPeak},
    ExportFormat{"heaptrack", "the heap as heaptrack_print tells it", heaptrack_text, Metric::kLeaked},
};

Result<std::string> write_profile(const ExportFormat& format, LoadedTrace& trace, ReadingOptions reading) {
  const Result<Profile> profile = choose_profile(trace, reading);
  if (!profile.ok()) return profile.error();
  const bool is_heap = is_heap_metric(profile->options.metric);
  if (format.write_with_heap == nullptr || !reading.metric.empty() || is_heap || !trace.recording().has_heap()) {
    return format.write(*profile);
  }
  reading.metric = metric_name(Metric::kAllocated);
  reading.still_recording = true;  // of damage it has been told
  const Result<Profile> heap = choose_profile(trace, reading);
  return heap.ok() ? Result<std::string>(format.write_with_heap(*profile, *heap)) : heap.error();
}

Result<int> run_export(const ExportFormat& format, ReadingOptions reading, const std::string& output) {
  const std::string name = std::string("--format ") + format.name;
  if (format.heap_metric && !reading.metric.empty()) {
    return Error{name + " tells the whole heap and takes no --metric; leave it out"};
  }
  Result<LoadedTrace> trace = LoadedTrace::open(reading.trace);
  if (!trace.ok()) return trace.error();
  if (format.heap_metric && !trace->recording().has_heap()) {
    return Error{name + ": this recording has no heap in it; `flarestack record` without --no-heap records one"};
  }
  reading.default_metric = format.heap_metric;
  const Result<std::string> text = write_profile(format, *trace, reading);
  if (!text.ok()) return text.error();
  const Result<void> written = write_output(output, *text);
  return written.ok() ? Result<int>(kExitGood) : Result<int>(written.error());
}

}  // namespace

CommandBody declare_export(CLI::App& app) {
  struct Options {
    std::string format;
    std::string output;
  };
  auto reading = add_reading_options(app);
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  std::string summaries;
  for (const ExportFormat& format : kFormats) {
    names.emplace_back(format.name);
    summaries += (summaries.empty() ? "" : "; ") + names.back() + ": " + format.summary;
  }
  app.add_option("--format", options->format, summaries)->check(CLI::IsMember(names))->required();
  app.add_option("-o,--output", options->output, "a file instead of stdout");
  return [reading, options] {
    const auto* const format = std::find_if(kFormats.begin(), kFormats.end(),
                                            [&](const ExportFormat& each) { return each.name == options->format; });
    return run_export(*format, *reading, options->output);  // CLI11 has checked that there is one
  };
}

}  // namespace flarestack
