// SPDX-License-Identifier: Apache-2.0
#include "report/bench_json.h"

#include <filesystem>

namespace flarestack {
namespace {

const char* key_of(RunMetric metric) {
  switch (metric) {
    case RunMetric::kWall:
      return "wall_ns";
    case RunMetric::kUser:
      return "user_ns";
    case RunMetric::kSystem:
      return "system_ns";
    case RunMetric::kPeakRss:
      return "peak_rss_bytes";
  }
  return "";
}

void write_runs(JsonWriter& json, const std::vector<BenchmarkRun>& runs) {
  json.key("runs");
  json.begin_object();
  json.column(key_of(RunMetric::kWall), runs.size(), [&](size_t i) { return runs[i].wall_ns; });
  json.column(key_of(RunMetric::kUser), runs.size(), [&](size_t i) { return runs[i].user_ns; });
  json.column(key_of(RunMetric::kSystem), runs.size(), [&](size_t i) { return runs[i].system_ns; });
  json.column(key_of(RunMetric::kPeakRss), runs.size(), [&](size_t i) { return runs[i].peak_rss_bytes; });
  json.column("status", runs.size(), [&](size_t i) { return runs[i].status; });
  json.end_object();
}

void write_interval(JsonWriter& json, const Interval& interval) {
  json.member("low", interval.low);
  json.member("high", interval.high);
  json.member("confidence", interval.confidence);
}

void write_statistics(JsonWriter& json, const BenchmarkedCommand& command) {
  json.key("statistics");
  json.begin_object();
  for (const RunMetric metric : kRunMetrics) {
    if (command.runs.empty()) continue;
    const RunStatistics of = run_statistics(command.values(metric));
    json.key(key_of(metric));
    json.begin_object();
    json.member("mean", of.mean);
    json.member("deviation", of.deviation);
    json.member("median", of.median);
    write_interval(json, of.interval);
    json.member("least", of.least);
    json.member("first_quartile", of.first_quartile);
    json.member("third_quartile", of.third_quartile);
    json.member("greatest", of.greatest);
    json.column("outliers", of.outliers.size(), [&](size_t i) { return uint64_t{of.outliers[i]}; });
    json.end_object();
  }
  json.end_object();
}

void write_command(JsonWriter& json, const BenchmarkedCommand& command) {
  json.begin_object();
  json.member("command", command.line);
  json.member("through_shell", command.through_shell);
  json.key("parameters");
  json.begin_object();
  for (const auto& [name, value] : command.parameters) json.member(name, value);
  json.end_object();
  write_runs(json, command.runs);
  write_statistics(json, command);
  json.key("trace");
  // Whoever reads it may be elsewhere.
  std::error_code error;
  const std::string trace = std::filesystem::absolute(command.trace_path, error).string();
  command.trace_path.empty() ? json.null() : json.value(trace);
  json.end_object();
}

void write_comparison(JsonWriter& json, const Benchmark& benchmark) {
  json.key("comparison");
  const std::optional<size_t> fastest = fastest_command(benchmark);
  if (!fastest) return json.null();
  json.begin_object();
  json.member("fastest", uint64_t{*fastest});
  json.key("others");
  json.begin_array();
  for (const ComparedCommand& each : compared_commands(benchmark)) {
    json.begin_object();
    json.member("command", uint64_t{each.command});
    json.member("ratio", each.slowdown.ratio);
    write_interval(json, each.slowdown.interval);
    json.member("p", each.slowdown.p);
    json.member("differs", each.differs());
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_changes(JsonWriter& json, size_t command, const FunctionChanges& changes) {
  json.begin_object();
  json.member("command", uint64_t{command});
  json.member("metric", metric_name(changes.metric));
  json.member("unit", metric_unit(changes.metric));
  json.member("base_total", changes.base_total);
  json.member("total", changes.total);
  json.member("base_samples", changes.base_samples);
  json.member("samples", changes.samples);
  json.key("functions");
  json.begin_array();
  for (const FunctionChange& change : changes.functions) {
    json.begin_object();
    json.member("name", change.name);
    json.member("module", change.module);
    json.member("base_self", change.base_self);
    json.member("self", change.self);
    json.member("base_total", change.base_total);
    json.member("total", change.total);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace

void write_host(JsonWriter& json, const HostFacts& host) {
  json.key("host");
  json.begin_object();
  json.member("name", host.name);
  json.member("kernel", host.kernel);
  json.member("architecture", host.architecture);
  json.member("processor", host.processor);
  json.member("processors", host.processors);
  json.member("memory_bytes", host.memory_bytes);
  json.member("governor", host.governor);
  json.member("load", host.load);
  json.end_object();
}

std::string bench_json(const Benchmark& benchmark) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.bench/1");
  write_host(json, benchmark.host);
  json.member("interrupted", benchmark.interrupted);
  json.member("warmups", benchmark.warmups);
  json.member("prepare", benchmark.prepare);
  json.key("shell");
  if (benchmark.shell) {
    json.begin_object();
    json.member("command", benchmark.shell->shell);
    json.member("wall_ns", benchmark.shell->wall_ns);
    json.member("user_ns", benchmark.shell->user_ns);
    json.member("system_ns", benchmark.shell->system_ns);
    json.end_object();
  } else {
    json.null();
  }
  json.key("commands");
  json.begin_array();
  for (const BenchmarkedCommand& command : benchmark.commands) write_command(json, command);
  json.end_array();
  write_comparison(json, benchmark);
  json.key("causes");
  json.begin_array();
  for (const BenchmarkCause& cause : benchmark.causes) {
    write_changes(json, cause.command, cause.cpu);
    if (cause.allocated) write_changes(json, cause.command, *cause.allocated);
  }
  json.end_array();
  json.member("notes", benchmark.notes);
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
