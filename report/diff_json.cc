// SPDX-License-Identifier: Apache-2.0
#include "report/diff_json.h"

#include <algorithm>

#include "report/json_writer.h"

namespace flarestack {
namespace {

void write_side(JsonWriter& json, const char* name, const DiffReportSide& side) {
  json.key(name);
  json.begin_object();
  json.member("traces", side.traces);
  json.member("command", side.command);
  json.end_object();
}

// The keys of a value, into an object that is open.
void write_value(JsonWriter& json, const DiffValue& value) {
  json.member("base", value.base.value);
  json.member("new", value.newer.value);
  json.member("change", value.change.change);
  json.member("sigma", value.change.sigma);
  json.member("chance", value.change.chance);
  json.member("verdict", verdict_name(value.verdict));
  if (value.base.runs.size() > 1 || value.newer.runs.size() > 1) {
    const auto runs = [&](const char* name, const MeasuredValue& side) {
      json.column(name, side.runs.size(), [&](size_t i) { return side.runs[i]; });
    };
    runs("base_runs", value.base);
    runs("new_runs", value.newer);
  }
}

void write_function_value(JsonWriter& json, const char* name, const DiffValue& value) {
  json.key(name);
  json.begin_object();
  write_value(json, value);
  json.member("base_samples", value.base.samples);
  json.member("new_samples", value.newer.samples);
  json.end_object();
}

bool is_worth_listing(const ProfileDiff& diff, const Change& change) {
  return std::max(change.base, change.newer) >= diff.least;
}

void write_functions(JsonWriter& json, const ProfileDiff& diff, size_t most) {
  json.key("functions");
  json.begin_array();
  size_t written = 0;
  for (const FunctionDiff& each : diff.functions) {
    if (!is_worth_listing(diff, each.total.change) || (most != 0 && written++ >= most)) continue;
    json.begin_object();
    json.member("name", each.function.name);
    json.member("module", each.function.module);
    json.member("kind", frame_type_name(each.function.type));
    json.member("file", each.function.file);
    json.member("line", each.function.line);
    write_function_value(json, "self", each.self);
    write_function_value(json, "total", each.total);
    json.end_object();
  }
  json.end_array();
}

void write_sites(JsonWriter& json, const ProfileDiff& diff, size_t most) {
  json.key("sites");
  json.begin_array();
  size_t written = 0;
  for (const SiteDiff& each : diff.sites) {
    if (!is_worth_listing(diff, each.value.change) || (most != 0 && written++ >= most)) continue;
    json.begin_object();
    write_value(json, each.value);
    json.member("module", each.module);
    json.member("base_line", each.base_line);
    json.key("path");
    json.begin_array();
    for (const SiteFrame& frame : each.path) {
      json.begin_object();
      json.member("function", frame.function);
      json.member("file", frame.file);
      json.member("line", frame.line);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string diff_json(const DiffReport& report) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.diff/1");
  write_side(json, "base", report.base);
  write_side(json, "new", report.newer);
  json.member("filters", report.filters);
  json.member("totals", report.equal_totals ? "equal" : "absolute");
  std::map<std::string, std::string> pairs;
  for (const ProfileDiff& diff : report.metrics) pairs.insert(diff.paired_modules.begin(), diff.paired_modules.end());
  json.key("paired_modules");
  json.begin_array();
  for (const auto& [newer, base] : pairs) {
    json.begin_object();
    json.member("base", base);
    json.member("new", newer);
    json.end_object();
  }
  json.end_array();
  json.key("metrics");
  json.begin_array();
  for (const ProfileDiff& diff : report.metrics) {
    json.begin_object();
    json.member("metric", metric_name(diff.metric));
    json.member("unit", metric_unit(diff.metric));
    json.member("exact", diff.is_exact);
    json.member("scale", diff.scale);
    json.member("least_change", diff.least);
    write_function_value(json, "total", diff.total);
    write_functions(json, diff, report.top);
    if (is_heap_metric(diff.metric)) write_sites(json, diff, report.top);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
