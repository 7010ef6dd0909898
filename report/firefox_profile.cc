// SPDX-License-Identifier: Apache-2.0
#include "report/firefox_profile.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "model/process_memory.h"
#include "model/thread_timeline.h"
#include "report/firefox_tables.h"
#include "report/metric_words.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

constexpr int64_t kFormatVersion = 63;
constexpr int64_t kGeckoVersion = 34;  // of the same time

double milliseconds(int64_t time_ns) { return static_cast<double>(time_ns) / 1e6; }

// A thread, with what the profile and the heap beside it have of it.
struct FirefoxThread {
  uint32_t thread = kLostIndex;
  uint64_t total = 0;
  std::vector<TimelineEntry> samples;
  std::vector<TimelineEntry> allocations;
};

struct Counter {
  const char* name = "";
  const char* color = "";
  uint32_t process = 0;
  std::vector<MemoryLevel> levels;
};

class FirefoxProfile {
 public:
  // `heap`: of Metric::kAllocated; null: none beside it.
  FirefoxProfile(const Profile& profile, const Profile* heap)
      : profile_(profile),
        recording_(profile.recording),
        tables_(profile.recording),
        stacks_(tables_.add(profile)),
        heap_(heap) {
    if (heap_ != nullptr) heap_stacks_.emplace(tables_.add(*heap_));
    add_threads();
    add_counters();
    add_main_threads();
    sort_threads();
    name_processes();
  }

  std::string write() {
    json_.begin_object();
    write_meta();
    tables_.write_libs(json_);
    tables_.write_shared(json_);
    json_.key("counters");
    json_.begin_array();
    for (const Counter& counter : counters_) write_counter(counter);
    json_.end_array();
    json_.key("threads");
    json_.begin_array();
    for (const FirefoxThread& thread : threads_) write_thread(thread);
    json_.end_array();
    json_.end_object();
    return json_.finish();
  }

 private:
  void add_threads() {
    std::map<uint32_t, FirefoxThread> threads;
    for (ThreadTimeline& timeline : thread_timelines(profile_)) {
      threads[timeline.thread].total = timeline.total;
      threads[timeline.thread].samples = std::move(timeline.entries);
    }
    if (heap_ != nullptr) {
      for (ThreadTimeline& timeline : thread_timelines(*heap_))
        threads[timeline.thread].allocations = std::move(timeline.entries);
    }
    for (auto& [number, thread] : threads) {
      thread.thread = number;
      threads_.push_back(std::move(thread));
    }
  }

  void add_counters() {
    for (ProcessMemory& memory : process_memory(profile_)) {
      counters_.push_back({"Live heap", "orange", memory.process, std::move(memory.live_heap)});
      counters_.push_back({"Resident memory", "blue", memory.process, std::move(memory.resident)});
    }
    std::erase_if(counters_, [](const Counter& counter) { return counter.levels.empty(); });
  }

  // A counter belongs to a thread of its process: its first one, without samples if the profile has none of it.
  void add_main_threads() {
    std::vector<bool> wanted(recording_.processes.size(), false);
    for (const Counter& counter : counters_) wanted[counter.process] = true;
    for (const FirefoxThread& thread : threads_) {
      const uint32_t process = recording_.process_of_thread(thread.thread);
      if (process < wanted.size()) wanted[process] = false;
    }
    for (uint32_t i = 0; i < recording_.threads.size(); ++i) {
      const uint32_t process = recording_.threads[i].process;
      if (process >= wanted.size() || !wanted[process]) continue;
      wanted[process] = false;
      threads_.push_back({i, 0, {}, {}});
    }
    std::erase_if(counters_, [&](const Counter& counter) { return wanted[counter.process]; });
  }

  // Those of one process together.
  void sort_threads() {
    std::stable_sort(threads_.begin(), threads_.end(), [&](const FirefoxThread& a, const FirefoxThread& b) {
      return std::pair(recording_.process_of_thread(a.thread), a.thread) <
             std::pair(recording_.process_of_thread(b.thread), b.thread);
    });
  }

  // An exec makes a process of the pid that there was: those behind the first one are "100.1", "100.2", ...
  void name_processes() {
    std::map<int32_t, uint32_t> used;
    for (const Process& process : recording_.processes) {
      const uint32_t before = used[process.pid]++;
      pids_.push_back(std::to_string(process.pid) + (before == 0 ? "" : "." + std::to_string(before)));
    }
  }

  void write_meta() {
    const SessionRecord& session = recording_.session;
    json_.key("meta");
    json_.begin_object();
    json_.member("interval", session.requested_hz == 0 ? 1.0 : 1000.0 / session.requested_hz);
    json_.member("startTime", milliseconds(session.start_realtime_ns));
    json_.member("profilingStartTime", 0.0);
    json_.member("profilingEndTime", milliseconds(recording_.duration_ns));
    json_.member("processType", 0);
    json_.member("product", session.command.empty() ? std::string("flarestack") : session.command.front());
    json_.member("stackwalk", 1);
    json_.member("debug", false);
    json_.member("version", kGeckoVersion);
    json_.member("preprocessedProfileVersion", kFormatVersion);
    json_.member("symbolicated", true);
    json_.member("importedFrom", "flarestack");
    json_.member("arguments", command_line(session.command));
    json_.member("abi", "x86_64");
    json_.member("oscpu", "Linux " + session.kernel);
    json_.member("platform", "Linux");
    json_.member("usesOnlyOneStackType", true);
    json_.member("sourceCodeIsNotOnSearchfox", true);
    FirefoxTables::write_categories(json_);
    json_.member("markerSchema", std::vector<std::string>());
    json_.key("sampleUnits");
    json_.begin_object();
    json_.member("time", "ms");
    json_.member("eventDelay", "ms");
    json_.member("threadCPUDelta", "ns");
    json_.end_object();
    write_extra();
    write_heaviest_thread();
    json_.end_object();
  }

  // What the panel on the profile's properties shows.
  void write_extra() {
    const std::vector<std::pair<const char*, std::string>> entries = {
        {"Metric", metric_title(profile_.options.metric)},
        {"Unit", metric_unit(profile_.options.metric)},
        {"Total", format_value(profile_.options.metric, profile_.total())},
        {"Filters", describe_filters(profile_.options)},
        {"Host", recording_.session.host},
        {"Recorder", "flarestack " + recording_.session.version},
    };
    json_.key("extra");
    json_.begin_array();
    json_.begin_object();
    json_.member("label", "flarestack");
    json_.key("entries");
    json_.begin_array();
    for (const auto& [label, value] : entries) {
      if (value.empty()) continue;
      json_.begin_object();
      json_.member("label", label);
      json_.member("format", "string");
      json_.member("value", value);
      json_.end_object();
    }
    json_.end_array();
    json_.end_object();
    json_.end_array();
  }

  void write_heaviest_thread() {
    const auto heaviest =
        std::max_element(threads_.begin(), threads_.end(),
                         [](const FirefoxThread& a, const FirefoxThread& b) { return a.total < b.total; });
    if (heaviest == threads_.end()) return;
    json_.key("initialSelectedThreads");
    json_.begin_array();
    json_.value(static_cast<int64_t>(heaviest - threads_.begin()));
    json_.end_array();
  }

  // Counts are changes, since the first of which the graph begins at 0.
  void write_counter(const Counter& counter) {
    const auto main_thread = std::find_if(threads_.begin(), threads_.end(), [&](const FirefoxThread& thread) {
      return recording_.process_of_thread(thread.thread) == counter.process;
    });
    const std::vector<MemoryLevel>& levels = counter.levels;
    json_.begin_object();
    json_.member("name", counter.name);
    json_.member("category", "Memory");
    json_.member("description", std::string(counter.name) + " of " + recording_.processes[counter.process].name());
    json_.member("pid", pids_[counter.process]);
    json_.member("mainThreadIndex", static_cast<int64_t>(main_thread - threads_.begin()));
    json_.key("samples");
    json_.begin_object();
    json_.column("time", levels.size(), [&](size_t i) { return milliseconds(levels[i].time_ns); });
    json_.column("count", levels.size(),
                 [&](size_t i) { return static_cast<int64_t>(levels[i].bytes - (i == 0 ? 0 : levels[i - 1].bytes)); });
    json_.member("length", static_cast<uint64_t>(levels.size()));
    json_.end_object();
    write_display(counter);
    json_.end_object();
  }

  void write_display(const Counter& counter) {
    json_.key("display");
    json_.begin_object();
    json_.member("graphType", "line-accumulated");
    json_.member("unit", "bytes");
    json_.member("color", counter.color);
    json_.key("markerSchemaLocation");
    json_.null();
    json_.member("sortWeight", 20);
    json_.member("label", counter.name);
    json_.key("tooltipRows");
    json_.begin_array();
    json_.begin_object();
    json_.member("type", "value");
    json_.member("source", "accumulated");
    json_.key("format");
    json_.begin_object();
    json_.member("unit", "bytes");
    json_.end_object();
    json_.member("label", counter.name);
    json_.end_object();
    json_.end_array();
    json_.end_object();
  }

  void write_thread(const FirefoxThread& shown) {
    const bool known = shown.thread < recording_.threads.size();
    const Thread thread = known ? recording_.threads[shown.thread] : Thread{kLostIndex, 0, "[lost]", 0};
    const bool has_process = thread.process < recording_.processes.size();
    const Process process = has_process ? recording_.processes[thread.process] : Process();
    json_.begin_object();
    json_.member("name", thread.name);
    json_.member("isMainThread", has_process && thread.tid == process.pid);
    json_.member("processType", "default");
    json_.member("processName", has_process ? process.name() : std::string("[lost]"));
    json_.member("processStartupTime", milliseconds(process.start_ns));
    json_.key("processShutdownTime");
    if (process.end.kind == ExitKind::kUnknown || process.end.kind == ExitKind::kStillRunning) {
      json_.null();
    } else {
      json_.value(milliseconds(process.end.end_ns));
    }
    json_.member("registerTime", milliseconds(thread.start_ns));
    json_.key("unregisterTime");
    json_.null();
    json_.member("pausedRanges", std::vector<std::string>());
    json_.member("pid", has_process ? pids_[thread.process] : std::string("0"));
    json_.member("tid", thread.tid);
    write_samples(shown.samples);
    if (!shown.allocations.empty()) write_allocations(shown.allocations);
    json_.key("markers");
    json_.begin_object();
    for (const char* column : {"data", "name", "startTime", "endTime", "phase", "category"})
      json_.member(column, std::vector<std::string>());
    json_.member("length", 0);
    json_.end_object();
    json_.end_object();
  }

  void write_samples(const std::vector<TimelineEntry>& entries) {
    const Metric metric = profile_.options.metric;
    const bool is_time = !is_heap_metric(metric);
    const auto sample_at = [&](size_t i) -> const ProfileSample& { return profile_.samples[entries[i].sample]; };
    json_.key("samples");
    json_.begin_object();
    json_.column("stack", entries.size(), [&](size_t i) { return stacks_.stack_of(sample_at(i)); });
    json_.column("time", entries.size(), [&](size_t i) { return milliseconds(entries[i].start_ns); });
    if (is_time) {
      json_.column("weight", entries.size(), [&](size_t i) { return static_cast<double>(sample_at(i).value) / 1e6; });
      json_.column("threadCPUDelta", entries.size(), [&](size_t i) {  // of what the sample before stands for
        return i == 0 || sample_at(i - 1).is_waiting ? uint64_t{0} : sample_at(i - 1).value;
      });
    } else {
      json_.column("weight", entries.size(), [&](size_t i) { return sample_at(i).value; });
    }
    json_.member("weightType", is_time ? "tracing-ms" : is_bytes_metric(metric) ? "bytes" : "samples");
    json_.member("length", static_cast<uint64_t>(entries.size()));
    json_.end_object();
  }

  void write_allocations(const std::vector<TimelineEntry>& entries) {
    const auto sample_at = [&](size_t i) -> const ProfileSample& { return heap_->samples[entries[i].sample]; };
    json_.key("nativeAllocations");
    json_.begin_object();
    json_.column("time", entries.size(), [&](size_t i) { return milliseconds(entries[i].start_ns); });
    json_.column("weight", entries.size(), [&](size_t i) { return sample_at(i).value; });
    json_.member("weightType", "bytes");
    json_.column("stack", entries.size(), [&](size_t i) { return heap_stacks_->stack_of(sample_at(i)); });
    json_.member("length", static_cast<uint64_t>(entries.size()));
    json_.end_object();
  }

  const Profile& profile_;
  const Recording& recording_;
  FirefoxTables tables_;
  FirefoxStacks stacks_;
  const Profile* heap_;
  std::optional<FirefoxStacks> heap_stacks_;
  std::vector<FirefoxThread> threads_;
  std::vector<Counter> counters_;
  std::vector<std::string> pids_;  // by process
  JsonWriter json_{JsonLayout::kCompact};
};

}  // namespace

std::string firefox_profile(const Profile& profile) { return FirefoxProfile(profile, nullptr).write(); }

std::string firefox_profile_with_heap(const Profile& profile, const Profile& heap) {
  return FirefoxProfile(profile, &heap).write();
}

}  // namespace flarestack
