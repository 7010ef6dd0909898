// SPDX-License-Identifier: Apache-2.0
#include "report/speedscope.h"

#include <algorithm>
#include <vector>

#include "model/thread_timeline.h"
#include "report/json_writer.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

// A stack and what it weighs.
struct Weighted {
  uint32_t node = 0;  // in Profile::tree
  uint64_t weight = 0;
};

const char* unit_name(Metric metric) {
  return !is_heap_metric(metric) ? "nanoseconds" : is_bytes_metric(metric) ? "bytes" : "none";
}

// Returns by function its index in what was written.
std::vector<uint32_t> write_frames(JsonWriter& json, const Profile& profile, const std::vector<uint32_t>& order) {
  std::vector<uint32_t> frame_of(profile.functions.size(), kNoIndex);
  uint32_t frames = 0;
  json.key("frames");
  json.begin_array();
  for (const uint32_t node : order) {
    const uint32_t index = profile.tree.nodes()[node].function;
    if (frame_of[index] != kNoIndex) continue;
    frame_of[index] = frames++;
    const Function& function = profile.functions[index];
    json.begin_object();
    json.member("name", function.name);
    if (!function.file.empty()) {
      json.member("file", function.file);
      if (function.line != 0) json.member("line", function.line);
    } else if (!function.module_path.empty()) {
      json.member("file", function.module_path);
    }
    json.end_object();
  }
  json.end_array();
  return frame_of;
}

void write_profile(JsonWriter& json, const Profile& profile, const std::string& name,
                   const std::vector<Weighted>& stacks, const std::vector<uint32_t>& frame_of) {
  const auto& nodes = profile.tree.nodes();
  uint64_t total = 0;
  std::vector<uint32_t> path;
  json.begin_object();
  json.member("type", "sampled");
  json.member("name", name);
  json.member("unit", unit_name(profile.options.metric));
  json.member("startValue", 0);
  json.key("samples");
  json.begin_array();
  for (const Weighted& stack : stacks) {
    total += stack.weight;
    path.clear();
    for (uint32_t node = stack.node; node != CallTree::kRoot; node = nodes[node].parent) path.push_back(node);
    json.column(path.size(), [&](size_t i) { return frame_of[nodes[path[path.size() - 1 - i]].function]; });
  }
  json.end_array();
  json.column("weights", stacks.size(), [&](size_t i) { return stacks[i].weight; });
  json.member("endValue", total);
  json.end_object();
}

// "worker (1236) of game [1234]"; the process where there are several.
std::string thread_name(const Recording& recording, uint32_t thread) {
  const uint32_t process = recording.process_of_thread(thread);
  std::string name = thread_label(recording, thread);
  if (recording.processes.size() > 1 && process < recording.processes.size()) {
    const Process& of = recording.processes[process];
    name += " of " + printable(of.name()) + " [" + std::to_string(of.pid) + "]";
  }
  return name;
}

std::vector<Weighted> stacks_of(const Profile& profile, const ThreadTimeline& timeline) {
  std::vector<Weighted> stacks;
  for (const TimelineEntry& entry : timeline.entries) {
    const ProfileSample& sample = profile.samples[entry.sample];
    if (!stacks.empty() && stacks.back().node == sample.node) {
      stacks.back().weight += sample.value;
    } else {
      stacks.push_back({sample.node, sample.value});
    }
  }
  return stacks;
}

}  // namespace

std::string speedscope(const Profile& profile) {
  const Recording& recording = profile.recording;
  const std::string command = printable(command_line(recording.session.command));
  const std::vector<uint32_t> order = depth_first(profile.tree);
  const std::vector<ThreadTimeline> timelines = thread_timelines(profile);
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object();
  json.member("$schema", "https://www.speedscope.app/file-format-schema.json");
  json.member("exporter", "flarestack");
  json.member("name", command);
  json.member("activeProfileIndex", 0);
  json.key("shared");
  json.begin_object();
  const std::vector<uint32_t> frame_of = write_frames(json, profile, order);
  json.end_object();
  json.key("profiles");
  json.begin_array();
  const std::string metric = metric_name(profile.options.metric);
  if (timelines.size() == 1) {
    const std::string thread = thread_name(recording, timelines.front().thread);
    write_profile(json, profile, metric + ", " + thread, stacks_of(profile, timelines.front()), frame_of);
  } else {
    std::vector<Weighted> paths;
    for (const uint32_t node : order) {
      const uint64_t self = profile.tree.nodes()[node].self;
      if (self != 0) paths.push_back({node, self});
    }
    write_profile(json, profile, metric + ", all threads", paths, frame_of);
    for (const ThreadTimeline& timeline : timelines) {
      const std::string thread = thread_name(recording, timeline.thread);
      write_profile(json, profile, metric + ", " + thread, stacks_of(profile, timeline), frame_of);
    }
  }
  json.end_array();
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
