// SPDX-License-Identifier: Apache-2.0
#include "report/run_record_json.h"

namespace flarestack {
namespace {

void write_host(JsonWriter& json, const HostFacts& host) {
  json.key("host");
  json.begin_object();
  json.member("name", host.name);
  json.member("kernel", host.kernel);
  json.member("processor", host.processor);
  json.member("processors", host.processors);
  json.member("memory_bytes", host.memory_bytes);
  json.end_object();
}

void write_costs(JsonWriter& json, const RunRecord& record) {
  json.key("functions");
  json.begin_array();
  for (const FunctionCost& cost : record.functions) {
    json.begin_object();
    json.member("metric", cost.metric);
    json.member("name", cost.name);
    json.member("module", cost.module);
    json.member("self", cost.self);
    json.member("total", cost.total);
    json.end_object();
  }
  json.end_array();
  json.key("paths");
  json.begin_array();
  for (const PathCost& path : record.paths) {
    json.begin_object();
    json.member("metric", path.metric);
    json.member("frames", path.frames);
    json.member("value", path.value);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

void write_run_record(JsonWriter& json, const RunRecord& record) {
  json.member("kind", record.kind);
  json.member("step", record.step);
  if (!record.region.empty()) json.member("region", record.region);
  json.member("time_ns", record.time_ns);
  json.member("commit", record.commit);
  json.member("branch", record.branch);
  write_host(json, record.host);
  json.member("command", record.command);
  json.key("parameters");
  json.begin_object();
  for (const auto& [name, value] : record.parameters) json.member(name, value);
  json.end_object();
  json.key("metrics");
  json.begin_array();
  for (const MeasuredMetric& metric : record.metrics) {
    json.begin_object();
    json.member("name", metric.name);
    json.member("unit", metric.unit);
    json.member("value", metric.value());
    json.column("runs", metric.runs.size(), [&](size_t i) { return metric.runs[i]; });
    json.end_object();
  }
  json.end_array();
  json.member("samples", record.samples);
  json.member("sampled_ns", record.sampled_ns);
  json.member("trace", record.trace);
  write_costs(json, record);
}

}  // namespace flarestack
