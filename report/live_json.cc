// SPDX-License-Identifier: Apache-2.0
#include "report/live_json.h"

#include <algorithm>

#include "report/json_writer.h"
#include "report/live_table.h"

namespace flarestack {
namespace {

// A string in JSON has no line break in it, so each one is the writer's.
std::string on_one_line(const std::string& json) {
  std::string line;
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\n') {
      line += json[i];
      continue;
    }
    while (i + 1 < json.size() && json[i + 1] == ' ') ++i;
  }
  return line + "\n";
}

void write_row(JsonWriter& json, const LiveFunction& row) {
  json.member("name", row.function->name);
  json.member("module", row.function->module);
  json.member("self", row.self_ns);
  json.member("total", row.total_ns);
  json.member("now_self", row.now_self_ns);
  json.member("now_total", row.now_total_ns);
}

void write_row(JsonWriter& json, const LiveSite& row) {
  json.member("name", row.function->name);
  json.member("file", row.file);
  json.member("line", row.line);
  json.member("live_bytes", row.live_bytes);
  json.member("live_blocks", row.live_blocks);
  json.member("growth_bytes_per_s", row.growth_bytes_per_s);
  json.member("allocations_per_s", row.allocations_per_s);
  json.member("allocated_bytes_per_s", row.allocated_bytes_per_s);
  json.member("allocations", row.allocations);
}

void write_row(JsonWriter& json, const LiveThread& row) {
  json.member("pid", row.pid);
  json.member("tid", row.tid);
  json.member("name", row.name);
  json.member("state", row.state == 0 ? std::string() : std::string(1, row.state));
  json.member("cpu", row.cpu);
  json.member("cpu_ns", row.cpu_ns);
  json.member("allocations_per_s", row.allocations_per_s);
  json.member("allocated_bytes_per_s", row.allocated_bytes_per_s);
}

template <typename T>
void write_rows(JsonWriter& json, const char* key, const std::vector<T>& rows, LiveTab tab, const LiveView& view,
                size_t top) {
  LiveState state;
  state.tab = tab;
  json.key(key);
  json.begin_array();
  const LiveTable table = live_table(view, state, 80);
  for (size_t i = 0; i < std::min(top, table.rows.size()); ++i) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const T& each) { return each.id == table.rows[i].id; });
    json.begin_object();
    write_row(json, *row);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string live_json(const LiveView& view, size_t top) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.top/1");
  json.member("recorded_ns", view.recorded_ns);
  json.member("now_ns", view.now_ns);
  json.member("ended", view.ended);
  json.key("processes");
  json.begin_array();
  for (const LiveProcess& process : view.processes) {
    json.begin_object();
    json.member("pid", process.pid);
    json.member("program", process.name);
    json.member("ended", process.ended);
    json.end_object();
  }
  json.end_array();
  json.member("cpu", view.cpu);
  json.member("total", view.total_ns);
  json.member("now_total", view.now_total_ns);
  json.member("unnamed", view.nameless_ns);
  json.key("heap");
  json.begin_object();
  json.member("live_bytes", view.live_bytes);
  json.member("live_blocks", view.live_blocks);
  json.member("peak_bytes", view.peak_bytes);
  json.member("allocations_per_s", view.allocations_per_s);
  json.member("allocated_bytes_per_s", view.allocated_bytes_per_s);
  json.member("growth_bytes_per_s", view.growth_bytes_per_s);
  json.end_object();
  json.member("rss_bytes", view.rss_bytes);
  json.key("quality");
  json.begin_object();
  json.member("samples", view.samples);
  json.member("samples_dropped", view.samples_dropped);
  json.member("stacks_truncated", view.stacks_truncated);
  json.member("heap_events", view.heap_events);
  json.member("heap_events_lost", view.heap_events_lost);
  json.member("damaged_chunks", view.damaged_chunks);
  json.member("notes", view.notes);
  json.end_object();
  write_rows(json, "functions", view.functions, LiveTab::kFunctions, view, top);
  write_rows(json, "sites", view.sites, LiveTab::kSites, view, top);
  write_rows(json, "threads", view.threads, LiveTab::kThreads, view, top);
  json.end_object();
  return on_one_line(json.finish());
}

}  // namespace flarestack
