// SPDX-License-Identifier: Apache-2.0
#include "report/chrome_trace.h"

#include <algorithm>
#include <vector>

#include "model/process_memory.h"
#include "model/selection.h"
#include "model/thread_timeline.h"
#include "report/json_writer.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

// A function on a thread's stack without a break.
struct Call {
  uint32_t node = 0;  // in Profile::tree
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

double microseconds(int64_t time_ns) { return static_cast<double>(time_ns) / 1000; }

int32_t pid_of(const Recording& recording, uint32_t process) {
  return process < recording.processes.size() ? recording.processes[process].pid : 0;
}

int32_t tid_of(const Recording& recording, uint32_t thread) {
  return thread < recording.threads.size() ? recording.threads[thread].tid : 0;
}

// Callers before what they call. A function that goes on from one sample to the next is one call.
std::vector<Call> calls_of(const Profile& profile, const ThreadTimeline& timeline) {
  const auto& nodes = profile.tree.nodes();
  std::vector<Call> calls;
  std::vector<size_t> open;  // of `calls`, outermost first
  std::vector<uint32_t> path;
  int64_t end_ns = INT64_MIN;
  for (const TimelineEntry& entry : timeline.entries) {
    const ProfileSample& sample = profile.samples[entry.sample];
    path.clear();
    for (uint32_t node = sample.node; node != CallTree::kRoot; node = nodes[node].parent) path.push_back(node);
    std::reverse(path.begin(), path.end());
    size_t same = 0;
    while (entry.start_ns == end_ns && same < open.size() && same < path.size() && calls[open[same]].node == path[same])
      ++same;
    end_ns = entry.start_ns + static_cast<int64_t>(sample.value);
    open.resize(same);
    for (const size_t each : open) calls[each].end_ns = end_ns;
    for (size_t i = same; i < path.size(); ++i) {
      open.push_back(calls.size());
      calls.push_back({path[i], entry.start_ns, end_ns});
    }
  }
  return calls;
}

void begin_event(JsonWriter& json, std::string_view name, const char* phase, int32_t pid) {
  json.begin_object();
  json.member("name", name);
  json.member("ph", phase);
  json.member("pid", pid);
}

// `what`: "process_name", "thread_name".
void write_name(JsonWriter& json, const char* what, int32_t pid, int32_t tid, const std::string& name) {
  begin_event(json, what, "M", pid);
  json.member("tid", tid);
  json.key("args");
  json.begin_object();
  json.member("name", name);
  json.end_object();
  json.end_object();
}

void write_names(JsonWriter& json, const Profile& profile, const std::vector<ThreadTimeline>& timelines) {
  const Recording& recording = profile.recording;
  const Result<Selection> selection = Selection::make(recording, profile.options);
  if (!selection.ok()) return;  // not of a profile: it would not have been built
  for (uint32_t i = 0; i < recording.processes.size(); ++i) {
    const Process& process = recording.processes[i];
    if (selection->chooses_process(i)) write_name(json, "process_name", process.pid, process.pid, process.name());
  }
  for (const ThreadTimeline& timeline : timelines) {
    const bool known = timeline.thread < recording.threads.size();
    write_name(json, "thread_name", pid_of(recording, recording.process_of_thread(timeline.thread)),
               tid_of(recording, timeline.thread), known ? recording.threads[timeline.thread].name : "[lost]");
  }
}

void write_calls(JsonWriter& json, const Profile& profile, const ThreadTimeline& timeline) {
  const int32_t pid = pid_of(profile.recording, profile.recording.process_of_thread(timeline.thread));
  const int32_t tid = tid_of(profile.recording, timeline.thread);
  for (const Call& call : calls_of(profile, timeline)) {
    const Function& function = profile.functions[profile.tree.nodes()[call.node].function];
    begin_event(json, function.name, "X", pid);
    json.member("cat", function.module.empty() ? std::string("none") : function.module);
    json.member("tid", tid);
    json.member("ts", microseconds(call.start_ns));
    json.member("dur", microseconds(call.end_ns - call.start_ns));
    if (!function.file.empty()) {
      json.key("args");
      json.begin_object();
      json.member("source", function.file + ":" + std::to_string(function.line));
      json.end_object();
    }
    json.end_object();
  }
}

void write_counter(JsonWriter& json, const char* name, int32_t pid, const MemoryLevel& level) {
  begin_event(json, name, "C", pid);
  json.member("ts", microseconds(level.time_ns));
  json.key("args");
  json.begin_object();
  json.member("bytes", level.bytes);
  json.end_object();
  json.end_object();
}

void write_counters(JsonWriter& json, const Profile& profile) {
  for (const ProcessMemory& memory : process_memory(profile)) {
    const int32_t pid = pid_of(profile.recording, memory.process);
    for (const MemoryLevel& level : memory.live_heap) write_counter(json, "live heap", pid, level);
    for (const MemoryLevel& level : memory.resident) write_counter(json, "resident memory", pid, level);
  }
}

void write_stack_frames(JsonWriter& json, const Profile& profile) {
  json.key("stackFrames");
  json.begin_object();
  for (const uint32_t node : depth_first(profile.tree)) {
    const CallNode& call = profile.tree.nodes()[node];
    const Function& function = profile.functions[call.function];
    json.key(std::to_string(node));
    json.begin_object();
    json.member("category", function.module.empty() ? std::string("none") : function.module);
    json.member("name", function.name);
    if (call.parent != CallTree::kRoot) json.member("parent", std::to_string(call.parent));
    json.end_object();
  }
  json.end_object();
}

void write_samples(JsonWriter& json, const Profile& profile, const std::vector<ThreadTimeline>& timelines) {
  const Recording& recording = profile.recording;
  json.key("samples");
  json.begin_array();
  for (const ThreadTimeline& timeline : timelines) {
    for (const TimelineEntry& entry : timeline.entries) {
      const ProfileSample& sample = profile.samples[entry.sample];
      json.begin_object();
      json.member("name", metric_name(profile.options.metric));
      json.member("pid", pid_of(recording, recording.process_of_thread(timeline.thread)));
      json.member("tid", tid_of(recording, timeline.thread));
      json.member("ts", microseconds(entry.start_ns));
      json.member("sf", std::to_string(sample.node));
      json.member("weight", sample.value);
      json.end_object();
    }
  }
  json.end_array();
}

}  // namespace

std::string chrome_trace(const Profile& profile) {
  const Recording& recording = profile.recording;
  const bool is_heap = is_heap_metric(profile.options.metric);
  const std::vector<ThreadTimeline> timelines = thread_timelines(profile);
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object();
  json.member("displayTimeUnit", "ns");
  json.key("otherData");
  json.begin_object();
  json.member("command", command_line(recording.session.command));
  json.member("recorder", "flarestack " + recording.session.version);
  json.member("metric", metric_name(profile.options.metric));
  json.member("unit", metric_unit(profile.options.metric));
  json.member("total", profile.total());
  json.end_object();
  json.key("traceEvents");
  json.begin_array();
  write_names(json, profile, timelines);
  write_counters(json, profile);
  for (size_t i = 0; i < timelines.size() && !is_heap; ++i) write_calls(json, profile, timelines[i]);
  json.end_array();
  if (is_heap) {
    write_stack_frames(json, profile);
    write_samples(json, profile, timelines);
  }
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
