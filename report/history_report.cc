// SPDX-License-Identifier: Apache-2.0
#include "report/history_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/json_writer.h"
#include "report/run_record_json.h"

namespace flarestack {
namespace {

constexpr size_t kShortId = 10;
constexpr size_t kShortCommit = 10;
constexpr size_t kCostsShown = 10;

std::string short_commit(const RunRecord& record) {
  return record.commit.empty() ? "-" : record.commit.substr(0, kShortCommit);
}

std::string metrics_words(const RunRecord& record) {
  std::string text;
  for (const MeasuredMetric& metric : record.metrics) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", metric.name, format_measure(metric.value(), metric.unit));
  }
  return text;
}

void append_changes(std::span<const HistoryEntry> entries, const Painter& painter, std::string& out) {
  for (const StepHistory& step : history_series(entries)) {
    for (const MetricSeries& series : step.metrics) {
      for (const LevelChange& change : series.changes) {
        const RunRecord& record = entries[series.entries[change.at]].record;
        const std::string amount = change_text(change, series.unit);
        out += fmt::format("  {} {} of {}: {} -> {}, since {} ({})\n",
                           change.after > change.before ? painter.bad(amount) : painter.good(amount), series.name,
                           printable(step.step), format_measure(change.before, series.unit),
                           format_measure(change.after, series.unit), printable(short_commit(record)),
                           utc_text(record.time_ns));
      }
    }
  }
}

void append_costs(const RunRecord& record, const Painter& painter, const TextLayout& layout, std::string& out) {
  std::string metric;
  size_t shown = 0;
  for (const PathCost& path : record.paths) {
    if (path.metric != metric) {
      metric = path.metric;
      shown = 0;
      out += painter.bold("\nCall paths by " + metric) + "\n";
    }
    if (shown++ >= kCostsShown) continue;
    const std::string unit = metric == "cpu" ? "ns" : metric == "allocations" ? "count" : "bytes";
    out += fmt::format(
        "  {:>10}  {}\n", format_measure(path.value, unit),
        shorten_end(printable(path_text(path.frames, path.frames.size())), std::max<size_t>(layout.width, 60) - 14));
  }
}

}  // namespace

std::string change_text(const LevelChange& change, const std::string& unit) {
  if (change.before <= 0) return "+" + format_measure(change.after, unit);
  return fmt::format("{:+.1f}%", 100 * (change.after / change.before - 1));
}

std::string history_list_text(std::span<const HistoryEntry> entries, const TextLayout& layout) {
  const Painter painter(layout.colour);
  std::string out;
  for (const HistoryEntry& entry : entries) {
    const RunRecord& record = entry.record;
    const std::string parameters = parameters_text(record.parameters);
    out +=
        fmt::format("{}  {}  {}  {}  {} {}{}\n", painter.bold(entry.id.substr(0, kShortId)), utc_text(record.time_ns),
                    padded(printable(short_commit(record)), kShortCommit), padded(printable(record.branch), 8),
                    record.kind, printable(record.step), parameters.empty() ? "" : " (" + printable(parameters) + ")");
    out += "            " + painter.dim(metrics_words(record)) + "\n";
  }
  std::string changes;
  append_changes(entries, painter, changes);
  return out + (changes.empty() ? "" : painter.bold("Changes of level") + "\n" + changes);
}

std::string history_list_json(std::span<const HistoryEntry> entries) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.history/1");
  json.key("results");
  json.begin_array();
  for (const HistoryEntry& entry : entries) {
    json.begin_object();
    json.member("id", entry.id);
    write_run_record(json, entry.record);
    json.end_object();
  }
  json.end_array();
  json.key("changes");
  json.begin_array();
  for (const StepHistory& step : history_series(entries)) {
    for (const MetricSeries& series : step.metrics) {
      for (const LevelChange& change : series.changes) {
        const HistoryEntry& entry = entries[series.entries[change.at]];
        json.begin_object();
        json.member("kind", step.kind);
        json.member("step", step.step);
        json.member("parameters", parameters_text(step.parameters));
        json.member("metric", series.name);
        json.member("unit", series.unit);
        json.member("before", change.before);
        json.member("after", change.after);
        json.member("p", change.p);
        json.member("id", entry.id);
        json.member("commit", entry.record.commit);
        json.member("time_ns", entry.record.time_ns);
        json.end_object();
      }
    }
  }
  json.end_array();
  json.end_object();
  return json.finish();
}

std::string history_entry_text(const HistoryEntry& entry, const TextLayout& layout) {
  const Painter painter(layout.colour);
  const RunRecord& record = entry.record;
  std::string out = fmt::format("{}  {} {}\n", painter.bold(entry.id), record.kind, printable(record.step));
  const auto add = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) out += "  " + painter.dim(padded(label, 14)) + printable(text) + "\n";
  };
  add("command", command_line(record.command));
  add("parameters", parameters_text(record.parameters));
  add("at", utc_text(record.time_ns));
  add("commit", record.commit + (record.branch.empty() ? "" : " on " + record.branch));
  add("host", fmt::format("{}, Linux {}{}", record.host.name, record.host.kernel,
                          record.host.processor.empty()
                              ? ""
                              : fmt::format(", {} x {}", record.host.processors, record.host.processor)));
  add("recording", record.trace);
  for (const MeasuredMetric& metric : record.metrics) {
    const auto [least, most] = std::ranges::minmax(metric.runs);
    add(metric.name,
        metric.runs.size() == 1
            ? format_measure(metric.value(), metric.unit)
            : fmt::format("{} ({} to {} in {} runs)", format_measure(metric.value(), metric.unit),
                          format_measure(least, metric.unit), format_measure(most, metric.unit), metric.runs.size()));
  }
  append_costs(record, painter, layout, out);
  return out;
}

std::string history_entry_json(const HistoryEntry& entry) {
  JsonWriter json;
  json.begin_object();
  json.member("schema", "flarestack.history_result/1");
  json.member("id", entry.id);
  write_run_record(json, entry.record);
  json.end_object();
  return json.finish();
}

}  // namespace flarestack
