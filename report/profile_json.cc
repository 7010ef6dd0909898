// SPDX-License-Identifier: Apache-2.0
#include "report/profile_json.h"

#include <map>
#include <utility>
#include <vector>

#include "model/function_table.h"
#include "model/heap_summary.h"
#include "report/heap_json.h"
#include "report/json_writer.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

struct Amount {
  uint64_t value = 0;
  uint64_t count = 0;
};

void write_amount(JsonWriter& json, const Amount& amount) {
  json.member("value", amount.value);
  json.member("count", amount.count);
  json.end_object();
}

void write_index(JsonWriter& json, std::string_view name, uint32_t index, size_t size) {
  json.key(name);
  if (index < size) {
    json.value(index);
  } else {
    json.null();
  }
}

void write_time(JsonWriter& json, std::string_view name, const std::optional<int64_t>& time_ns) {
  json.key(name);
  if (time_ns) {
    json.value(*time_ns);
  } else {
    json.null();
  }
}

void write_filters(JsonWriter& json, const ProfileOptions& options) {
  json.key("filters");
  json.begin_object();
  json.member("process", options.process);
  json.member("thread", options.thread);
  write_time(json, "from_ns", options.from_ns);
  write_time(json, "to_ns", options.to_ns);
  json.member("focus", options.focus);
  json.member("ignore", options.ignore);
  json.member("inline_frames", options.inline_frames);
  json.end_object();
}

void write_processes(JsonWriter& json, const Recording& recording) {
  json.key("processes");
  json.begin_array();
  for (const Process& process : recording.processes) {
    json.begin_object();
    json.member("pid", process.pid);
    write_index(json, "parent", process.parent, recording.processes.size());
    json.member("program", process.name());
    json.member("executable", process.executable);
    json.member("arguments", process.arguments);
    json.member("start_ns", process.start_ns);
    json.end_object();
  }
  json.end_array();
}

// All threads, with what of the profile is theirs; at the end what belongs to none that is known, if anything does.
void write_threads(JsonWriter& json, const Profile& profile) {
  const Recording& recording = profile.recording;
  std::vector<Amount> amounts(recording.threads.size() + 1);
  for (const ProfileSample& sample : profile.samples) {
    Amount& amount = amounts[std::min<size_t>(sample.thread, recording.threads.size())];
    amount.value += sample.value;
    amount.count += sample.count;
  }
  json.key("threads");
  json.begin_array();
  for (size_t i = 0; i < amounts.size(); ++i) {
    const bool known = i < recording.threads.size();
    if (!known && amounts[i].value == 0 && amounts[i].count == 0) continue;
    const Thread thread = known ? recording.threads[i] : Thread{kLostIndex, 0, "[lost]", 0};
    json.begin_object();
    write_index(json, "process", thread.process, recording.processes.size());
    json.member("tid", thread.tid);
    json.member("name", thread.name);
    json.member("start_ns", thread.start_ns);
    write_amount(json, amounts[i]);
  }
  json.end_array();
}

void write_slices(JsonWriter& json, const Profile& profile) {
  std::map<std::pair<int64_t, int64_t>, Amount> slices;
  for (const ProfileSample& sample : profile.samples) {
    Amount& amount = slices[{sample.slice_start_ns, sample.slice_length_ns}];
    amount.value += sample.value;
    amount.count += sample.count;
  }
  json.key("slices");
  json.begin_array();
  for (const auto& [slice, amount] : slices) {
    json.begin_object();
    json.member("start_ns", slice.first);
    json.member("length_ns", slice.second);
    write_amount(json, amount);
  }
  json.end_array();
}

// Returns by function of the profile its index in what was written.
std::vector<uint32_t> write_functions(JsonWriter& json, const Profile& profile) {
  const std::vector<FunctionRow> rows = function_rows(profile, 0);
  std::vector<uint32_t> index(profile.functions.size(), kNoIndex);
  json.key("functions");
  json.begin_array();
  for (uint32_t i = 0; i < rows.size(); ++i) {
    const Function& function = profile.functions[rows[i].function];
    index[rows[i].function] = i;
    json.begin_object();
    json.member("name", function.name);
    json.member("module", function.module);
    json.member("module_path", function.module_path);
    json.member("kind", frame_type_name(function.type));
    json.member("file", function.file);
    json.member("line", function.line);
    json.member("self", rows[i].self);
    json.member("total", rows[i].total);
    json.member("count", rows[i].samples);
    json.end_object();
  }
  json.end_array();
  return index;
}

void write_call_tree(JsonWriter& json, const Profile& profile, const std::vector<uint32_t>& function_index) {
  const std::vector<uint32_t> order = depth_first(profile.tree);
  const auto& nodes = profile.tree.nodes();
  std::vector<uint32_t> place(nodes.size(), kNoIndex);
  for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  const auto node_at = [&](size_t i) -> const CallNode& { return nodes[order[i]]; };
  json.key("call_tree");
  json.begin_object();
  json.member("nodes", static_cast<uint64_t>(order.size()));
  json.column("parent", order.size(), [&](size_t i) {  // -1: a root
    return node_at(i).parent == CallTree::kRoot ? int64_t{-1} : int64_t{place[node_at(i).parent]};
  });
  json.column("function", order.size(), [&](size_t i) { return function_index[node_at(i).function]; });
  json.column("inlined", order.size(),
              [&](size_t i) { return uint32_t{node_at(i).type == FrameType::kInlined ? 1U : 0U}; });
  json.column("self", order.size(), [&](size_t i) { return node_at(i).self; });
  json.column("total", order.size(), [&](size_t i) { return node_at(i).total; });
  json.column("count", order.size(), [&](size_t i) { return node_at(i).self_count; });
  json.end_object();
}

}  // namespace

std::string profile_json(const Profile& profile) {
  const Recording& recording = profile.recording;
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object();
  json.member("schema", "flarestack.profile/1");
  json.member("command", recording.session.command);
  json.member("host", recording.session.host);
  json.member("start_realtime_ns", recording.session.start_realtime_ns);
  json.member("duration_ns", recording.duration_ns);
  json.member("metric", metric_name(profile.options.metric));
  json.member("unit", metric_unit(profile.options.metric));
  json.member("counted", counted_noun(profile.options.metric));
  json.member("total", profile.total());
  write_filters(json, profile.options);
  const std::vector<uint32_t> function_index = write_functions(json, profile);
  write_call_tree(json, profile, function_index);
  json.key("samples");
  json.begin_object();
  json.member("records", static_cast<uint64_t>(profile.samples.size()));
  write_processes(json, recording);
  write_threads(json, profile);
  write_slices(json, profile);
  json.end_object();
  if (is_heap_metric(profile.options.metric)) write_heap(json, "heap", profile, summarize_heap(profile));
  write_clock(json, profile.quality);
  write_quality(json, recording, profile.quality);
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
