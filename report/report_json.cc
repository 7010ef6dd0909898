// SPDX-License-Identifier: Apache-2.0
#include "report/report_json.h"

#include "model/function_table.h"
#include "model/heap_functions.h"
#include "model/heap_summary.h"
#include "report/findings_text.h"
#include "report/heap_json.h"
#include "report/json_writer.h"
#include "report/regions_json.h"
#include "report/timeout_report.h"

namespace flarestack {
namespace {

void write_threads(JsonWriter& json, const Profile& profile, const FunctionRow& row) {
  json.key("threads");
  json.begin_array();
  for (const ThreadShare& share : row.threads) {
    json.begin_object();
    const bool known = share.thread < profile.recording.threads.size();
    json.member("tid", known ? profile.recording.threads[share.thread].tid : 0);
    json.member("name", known ? profile.recording.threads[share.thread].name : std::string("[lost]"));
    json.member("self", share.self);
    json.end_object();
  }
  json.end_array();
}

// `heap`: of a heap metric the function's own allocations, else null.
void write_function(JsonWriter& json, const Profile& profile, const FunctionRow& row, const FunctionHeap* heap) {
  const Function& function = profile.functions[row.function];
  json.begin_object();
  json.member("name", function.name);
  json.member("module", function.module);
  json.member("module_path", function.module_path);
  json.member("kind", frame_type_name(function.type));
  json.member("file", function.file);
  json.member("line", function.line);
  json.member("self", row.self);
  json.member("total", row.total);
  if (heap == nullptr) {
    json.member("samples", row.samples);
  } else {
    json.member("allocations", heap->allocations);
    json.member("allocated_bytes", heap->allocated_bytes);
    json.member("temporary_allocations", heap->temporary);
    json.member("peak_bytes", heap->peak_bytes);
    json.member("peak_blocks", heap->peak_blocks);
    json.member("live_bytes_at_end", heap->live_bytes);
    json.member("live_blocks_at_end", heap->live_blocks);
    json.member("leaked_bytes", heap->leaked_bytes);
    json.member("leaked_blocks", heap->leaked_blocks);
  }
  json.key("hottest_line");
  if (row.hottest_line.line == 0) {
    json.null();
  } else {
    json.begin_object();
    json.member("file", profile.files[row.hottest_line.file]);
    json.member("line", row.hottest_line.line);
    json.member("self", row.hottest_line.self);
    json.end_object();
  }
  if (heap == nullptr) json.member("speed_up_if_free", speed_up_without(row.self, profile.total()));
  write_threads(json, profile, row);
  json.end_object();
}

}  // namespace

std::string report_json(const Profile& profile, const ReportOptions& options) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.report/1");
  json.member("command", profile.recording.session.command);
  json.member("metric", metric_name(profile.options.metric));
  json.member("unit", metric_unit(profile.options.metric));
  json.member("total", profile.total());
  json.member("duration_ns", profile.recording.duration_ns);
  json.member("threshold", options.threshold);
  if (options.findings != nullptr) write_findings(json, *options.findings);
  json.key("functions");
  json.begin_array();
  std::vector<FunctionRow> rows = function_table(profile, options.threshold);
  if (options.top != 0 && rows.size() > options.top) rows.resize(options.top);
  const bool is_heap = is_heap_metric(profile.options.metric);
  const std::vector<FunctionHeap> heap = is_heap ? heap_by_function(profile) : std::vector<FunctionHeap>();
  for (const FunctionRow& row : rows) write_function(json, profile, row, is_heap ? &heap[row.function] : nullptr);
  json.end_array();
  if (is_heap) {
    const HeapSummary summary = summarize_heap(profile);
    write_heap(json, "heap", profile, summary);
    write_places(json, profile, options.threshold);
    write_advice(json, profile, summary);
  }
  write_timeout(json, profile);
  write_regions(json, profile);
  write_clock(json, profile.quality);
  write_quality(json, profile.recording, profile.quality);
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
