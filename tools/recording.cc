// SPDX-License-Identifier: Apache-2.0
#include "tools/recording.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/text.h"
#include "model/heap_advice.h"
#include "model/loaded_trace.h"
#include "profiler/recording_settings.h"
#include "report/summary_text.h"
#include "tools/bundling.h"
#include "tools/leak_judgement.h"
#include "tools/reading_options.h"
#include "tools/viewer_process.h"

namespace flarestack {
namespace {

Result<void> parse_time(const char* name, const std::string& text, uint64_t& time_ns) {
  if (text.empty()) {
    return {};
  }
  const Result<uint64_t> value = parse_duration(text);
  if (!value.ok()) {
    return Error{std::string(name) + ": " + value.error().message};
  }
  time_ns = *value;
  return {};
}

// The region and the time of "TIME" or "REGION=TIME", whose name may hold anything.
std::pair<std::string, std::string> split_timeout(const std::string& text) {
  const size_t at = text.rfind('=');
  return at == std::string::npos ? std::pair(std::string(), text) : std::pair(text.substr(0, at), text.substr(at + 1));
}

// "exact", "sampled" or "sampled:BYTES".
Result<void> parse_heap(RecordingOptions& options) {
  constexpr std::string_view kSampled = "sampled";
  RecordOptions& recording = options.record;
  if (options.no_heap) {
    recording.heap = HeapMode::kNone;
    return {};
  }
  if (options.heap.empty() || options.heap == "exact") {
    return {};
  }
  if (options.heap.substr(0, kSampled.size()) != kSampled ||
      (options.heap.size() > kSampled.size() && options.heap[kSampled.size()] != ':')) {
    return Error{"--heap: it is exact, sampled or sampled:BYTES, not " + options.heap};
  }
  recording.heap = HeapMode::kSampled;
  if (options.heap.size() > kSampled.size()) {
    const Result<uint64_t> bytes = parse_size(options.heap.substr(kSampled.size() + 1));
    if (!bytes.ok() || *bytes == 0) {
      return Error{"--heap: " + (bytes.ok() ? "a sample every 0 bytes is none" : bytes.error().message)};
    }
    recording.heap_sample_bytes = *bytes;
  }
  return {};
}

// `leaks`: the report that --leaks asks for, or empty.
Result<void> write_summary(const RecordingOptions& options, const RecordOutcome& outcome, const std::string& leaks) {
  Result<LoadedTrace> trace = LoadedTrace::open(outcome.trace_path);
  if (!trace.ok()) {
    return trace.error();
  }
  ProfileOptions profile_options;
  profile_options.metric = trace->default_metric();
  const Result<Profile> profile = trace->profile(profile_options);
  if (!profile.ok()) {
    return profile.error();
  }
  // Once more by the heap, for its advice and its leaks.
  std::optional<Profile> heap;
  const bool has_verdicts = !profile->recording.leak_checks.empty();
  if (profile->recording.has_heap() && (has_verdicts || may_have_advice(summarize_heap(*profile)))) {
    profile_options.metric = Metric::kAllocated;
    Result<Profile> loaded = trace->profile(profile_options);
    if (loaded.ok()) heap.emplace(std::move(*loaded));
  }
  SummaryOptions summary;
  summary.layout = layout_for(options.summary.empty() ? "stderr" : options.summary);
  if (options.leaks) summary.suppressions = &options.suppressions;
  std::string text = summary_text(*profile, heap ? &*heap : nullptr, outcome.trace_path, summary);
  if (!leaks.empty()) text += "\n" + leaks;
  return options.summary.empty() ? write_all(2, text, "write to stderr") : write_file(options.summary, text);
}

// The status of `record`, once it has told what there is to tell.
int conclude(const RecordingOptions& options, const RecordOutcome& outcome) {
  std::string leaks;
  int status = outcome.exit_status;
  if (options.leaks && outcome.recorded) {
    const TextLayout layout = layout_for(options.summary.empty() ? "stderr" : options.summary);
    const Result<LeakJudgement> judgement = judge_leaks(outcome.trace_path, options.suppressions, layout);
    if (!judgement.ok()) {  // a gate that cannot tell does not hold
      print_error("no leak report: " + judgement.error().message);
      status = kExitFailed;
    } else {
      leaks = judgement->text;
      if (judgement->lost_blocks != 0) status = kExitFailed;
      // --quiet keeps silent of what is good.
      if (options.quiet && options.summary.empty() && judgement->lost_blocks != 0) fmt::print(stderr, "{}", leaks);
    }
  }
  if (outcome.recorded && (!options.quiet || !options.summary.empty())) {
    if (const Result<void> written = write_summary(options, outcome, leaks); !written.ok()) {
      fmt::print(stderr, "flarestack: no summary: {}\n", written.error().message);
    }
  } else if (!outcome.recorded && outcome.problem.empty()) {
    fmt::print(stderr,
               "flarestack: nothing was recorded: no process could load the agent; `flarestack info {}` tells why\n",
               outcome.trace_path);
  }
  return status;
}

Result<ViewerProcess> start_viewer(RecordingOptions& options) {
  if (const std::string problem = ViewerProcess::problem(); !problem.empty()) {
    return Error{problem};
  }
  RecordOptions& record = options.record;
  if (const Result<void> parsed = parse_time("--interval", options.interval, record.live_interval_ns); !parsed.ok()) {
    return parsed.error();
  }
  record.output_path = record.output_path.empty() ? default_output_path(record) : record.output_path;
  return ViewerProcess::start(record.output_path, record.live_interval_ns);
}

}  // namespace

Result<void> settle_options(RecordingOptions& options) {
  if (const Result<void> parsed = parse_time("--duration", options.duration, options.record.duration_ns);
      !parsed.ok()) {
    return parsed.error();
  }
  for (const std::string& timeout : options.timeouts) {
    const auto [region, time] = split_timeout(timeout);
    uint64_t limit_ns = 0;
    if (const Result<void> parsed = parse_time("--timeout", time, limit_ns); !parsed.ok()) {
      return parsed.error();
    }
    if (region.empty()) {
      options.record.timeout_ns = limit_ns;
    } else {
      options.record.region_timeouts.push_back({region, limit_ns});
    }
  }
  options.record.starts_paused = options.paused;
  options.record.wall_clock = options.clock == "wall";
  options.record.timer = options.timer == "posix"     ? TimerWish::kPosix
                         : options.timer == "perf-io" ? TimerWish::kPerfIo
                                                      : TimerWish::kAuto;
  options.record.leak_check = !options.no_leak_check;
  options.record.follow_children = !options.no_children;
  options.record.wait_for_children = !options.no_wait;
  if (options.no_cpu) {
    options.record.cpu_hz = 0;
  }
  options.record.heap_is_asked_for = !options.heap.empty() || options.leaks;
  return parse_heap(options);
}

Result<int> run_recording(RecordingOptions& options) {
  if (const Result<void> settled = settle_options(options); !settled.ok()) {
    return settled.error();
  }
  if (options.leaks) {
    if (options.record.heap != HeapMode::kExact || options.no_leak_check) {
      print_error(
          "--leaks: verdicts need an exact recording of the heap, so no --no-heap, --heap sampled and "
          "--no-leak-check beside it");
      return kExitUsage;
    }
    if (const auto status = read_suppressions(options.suppression_files, true, options.suppressions)) return *status;
  }
  options.record.tell = [](const std::string& sentence) { fmt::print(stderr, "flarestack: {}\n", sentence); };
  std::optional<ViewerProcess> viewer;
  if (options.live) {
    Result<ViewerProcess> started = start_viewer(options);
    if (!started.ok()) {
      print_error("--live: " + started.error().message);
      return kExitUsage;
    }
    viewer.emplace(std::move(*started));
    options.record.on_started = [&viewer] { viewer->show(); };
  }
  const Result<RecordOutcome> outcome = record(options.record);
  if (viewer) {
    viewer->end();
  }
  if (!outcome.ok()) {
    return outcome.error();
  }
  if (!outcome->problem.empty()) {
    fmt::print(stderr, "flarestack: {}\n", outcome->problem);
  }
  if (options.bundle && outcome->recorded) {
    const Result<BundleOutcome> bundled = bundle_trace(outcome->trace_path, false);
    if (!bundled.ok()) {
      print_error("no bundle: " + bundled.error().message);
    } else {
      tell_missing(*bundled);
    }
  }
  return conclude(options, *outcome);
}

std::string check_time(const std::string& text) {
  const Result<uint64_t> value = parse_duration(text);
  return value.ok() ? std::string() : value.error().message;
}

std::string check_timeout(const std::string& text) {
  const auto [region, time] = split_timeout(text);
  return region.empty() && time.size() != text.size() ? "it is TIME or REGION=TIME" : check_time(time);
}

std::string check_interval(const std::string& text) {
  constexpr uint64_t kLeastNs = 100'000'000;
  const Result<uint64_t> value = parse_duration(text);
  if (!value.ok()) return value.error().message;
  return *value < kLeastNs ? "between two refreshes there are at least 100ms" : std::string();
}

void declare_sampling_options(CLI::App& app, RecordingOptions& options) {
  app.add_option("--cpu", options.record.cpu_hz, "samples per second of CPU time, of each thread")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_flag("--no-cpu", options.no_cpu, "no CPU samples");
  app.add_option("--heap", options.heap,
                 "exact: every allocation; sampled[:BYTES]: one in so many bytes (default 512KiB), at next to no cost")
      ->default_str("exact");
  app.add_flag("--no-heap", options.no_heap, "no heap recording");
  app.add_option("--clock", options.clock, "cpu, or wall: also where threads wait")
      ->check(CLI::IsMember({"cpu", "wall"}))
      ->capture_default_str();
  app.add_option("--timer", options.timer,
                 "auto: perf_event where the kernel allows it; perf-io: by SIGSTKFLT, even where SIGTRAP is cheaper; "
                 "posix: POSIX CPU timers")
      ->check(CLI::IsMember({"auto", "perf-io", "posix"}))
      ->capture_default_str();
  app.add_flag("--no-children", options.no_children, "only the program itself, not what it starts");
  app.add_option("--duration", options.duration, "stop recording after this time, such as 10s; the program goes on")
      ->check(check_time);
}

void declare_recording_options(CLI::App& app, RecordingOptions& options) {
  app.add_option("-o,--output", options.record.output_path, "the trace file (default flarestack.PROGRAM.PID.flare)");
  declare_sampling_options(app, options);
  app.add_flag("--no-leak-check", options.no_leak_check, "no verdicts on what is still allocated at the end");
  auto* leaks =
      app.add_flag("--leaks", options.leaks,
                   "report the leaks at the end, and exit with 1 if anything is definitely or indirectly lost");
  app.add_option("--suppressions", options.suppression_files,
                 "leaks that are none, as of `flarestack leaks`; repeatable")
      ->allow_extra_args(false)
      ->needs(leaks);
  app.add_flag("--bundle", options.bundle,
               "pack the binaries, debug files and sources into the trace, for reading it on another machine");
  app.add_flag("--quiet", options.quiet, "no summary on stderr");
  app.add_option("--summary", options.summary, "write the summary to this file instead of stderr");
}

}  // namespace flarestack
