// SPDX-License-Identifier: Apache-2.0
#include "report/dashboard_html.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/history_report.h"
#include "report/trend_svg.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

constexpr size_t kShortCommit = 10;
constexpr size_t kResultsShown = 20;  // of each step, the latest
constexpr size_t kPathsShown = 5;

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2024; --quiet: #5f6b76; --rule: #d8dee4; --card: #f6f8fa;
  --line: #2563a8; --worse: #b3261e; --better: #1a7f37; --level: #7a5c00; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --ink: #e6e9ec; --quiet: #9aa5af; --rule: #343b42;
  --card: #1d2226; --line: #74b0f0; --worse: #ff8a80; --better: #6fd08c; --level: #e0bf5a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem; }
h3 { font-size: 1rem; margin: 0; font-weight: 600; }
p { margin: .2rem 0; } .quiet { color: var(--quiet); } code { font: 13px/1.4 ui-monospace, monospace; }
a { color: var(--line); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: 1rem; margin: .8rem 0; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: .8rem; min-width: 0; }
.card header { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
.value { font-variant-numeric: tabular-nums; font-weight: 600; white-space: nowrap; }
.worse { color: var(--worse); } .better { color: var(--better); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
svg .grid { stroke: var(--rule); } svg .trend { fill: none; stroke: var(--line); stroke-width: 1.5; }
svg .dot { fill: var(--line); } svg .level { stroke: var(--level); stroke-width: 1.5; stroke-dasharray: 5 3; }
svg .mark { stroke-width: 1.5; } svg .mark.worse { stroke: var(--worse); } svg .mark.better { stroke: var(--better); }
svg text.worse { fill: var(--worse); } svg text.better { fill: var(--better); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--quiet); font-weight: 500; } td.path { white-space: normal; overflow-wrap: anywhere; }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--quiet); }
)css";

std::string commit_of(const RunRecord& record) {
  return record.commit.empty() ? "no commit" : record.commit.substr(0, kShortCommit);
}

std::string_view direction(const LevelChange& change) { return change.after > change.before ? "worse" : "better"; }

// The href of a link to a path: what is no plain letter of one is %-coded.
std::string link_to(const std::string& path) {
  std::string link;
  for (const char byte : path) {
    const auto code = static_cast<unsigned char>(byte);
    if ((code < 0x80 && std::isalnum(code) != 0) || std::string_view("/._-~").find(byte) != std::string_view::npos) {
      link += byte;
    } else {
      link += fmt::format("%{:02X}", code);
    }
  }
  return link;
}

std::string recording_link(const RunRecord& record) {
  if (record.trace.empty()) return "";
  return fmt::format("<a href=\"{}\">recording</a>", link_to(record.trace));
}

void append_changes(std::span<const HistoryEntry> entries, const std::vector<StepHistory>& steps, std::string& out) {
  out += "<h2>Changes</h2>\n";
  std::string rows;
  for (const StepHistory& step : steps) {
    for (const MetricSeries& series : step.metrics) {
      for (const LevelChange& change : series.changes) {
        const RunRecord& record = entries[series.entries[change.at]].record;
        rows += fmt::format(
            "<tr><td class=\"{}\">{}</td><td>{}</td><td>{}</td><td>{} → {}</td><td><code>{}</code></td><td>{}</td>"
            "<td>{}</td></tr>\n",
            direction(change), xml_text(change_text(change, series.unit)), xml_text(series.name), xml_text(step.step),
            format_measure(change.before, series.unit), format_measure(change.after, series.unit),
            xml_text(commit_of(record)), utc_text(record.time_ns), recording_link(record));
      }
    }
  }
  if (rows.empty()) {
    out += "<p class=\"quiet\">No metric has changed its level.</p>\n";
    return;
  }
  out +=
      "<div class=\"wide\"><table><tr><th>change</th><th>metric</th><th>of</th><th>level</th><th>since commit</th>"
      "<th>at</th><th></th></tr>\n" +
      rows + "</table></div>\n";
}

void append_card(std::span<const HistoryEntry> entries, const MetricSeries& series, std::string& out) {
  out += fmt::format("<div class=\"card\"><header><h3>{}</h3><span class=\"value\">{}", xml_text(series.name),
                     format_measure(series.values.back(), series.unit));
  if (!series.changes.empty()) {
    const LevelChange& last = series.changes.back();
    out += fmt::format(" <span class=\"{}\">{}</span>", direction(last), xml_text(change_text(last, series.unit)));
  }
  out += "</span></header>\n" + trend_svg(entries, series) + "</div>\n";
}

void append_results(std::span<const HistoryEntry> entries, const StepHistory& step, std::string& out) {
  out += "<details><summary>Results</summary><div class=\"wide\"><table><tr><th>at</th><th>commit</th><th>branch</th>";
  for (const MetricSeries& series : step.metrics) out += fmt::format("<th>{}</th>", xml_text(series.name));
  out += "<th>id</th><th></th></tr>\n";
  for (size_t i = 0; i < std::min(step.entries.size(), kResultsShown); ++i) {
    const HistoryEntry& entry = entries[step.entries[step.entries.size() - 1 - i]];
    out += fmt::format("<tr><td>{}</td><td><code>{}</code></td><td>{}</td>", utc_text(entry.record.time_ns),
                       xml_text(commit_of(entry.record)), xml_text(entry.record.branch));
    for (const MetricSeries& series : step.metrics) {
      const MeasuredMetric* metric = entry.record.metric(series.name);
      out += fmt::format("<td>{}</td>", metric == nullptr ? "" : format_measure(metric->value(), metric->unit));
    }
    out += fmt::format("<td><code>{}</code></td><td>{}</td></tr>\n", xml_text(entry.id.substr(0, kShortCommit)),
                       recording_link(entry.record));
  }
  out += "</table></div></details>\n";
}

// Of the latest result that has any.
void append_paths(std::span<const HistoryEntry> entries, const StepHistory& step, std::string& out) {
  const auto latest = std::find_if(step.entries.rbegin(), step.entries.rend(),
                                   [&](size_t i) { return !entries[i].record.paths.empty(); });
  if (latest == step.entries.rend()) return;
  const RunRecord& record = entries[*latest].record;
  out += fmt::format("<details><summary>Heaviest call paths, at {}</summary><div class=\"wide\"><table>\n",
                     xml_text(commit_of(record)));
  std::string metric;
  size_t shown = 0;
  for (const PathCost& path : record.paths) {
    shown = path.metric == metric ? shown + 1 : 0;
    metric = path.metric;
    if (shown >= kPathsShown) continue;
    const std::string unit = metric == "cpu" ? "ns" : metric == "allocations" ? "count" : "bytes";
    out += fmt::format("<tr><td>{}</td><td>{}</td><td class=\"path\"><code>{}</code></td></tr>\n", xml_text(metric),
                       format_measure(path.value, unit), xml_text(path_text(path.frames, path.frames.size())));
  }
  out += "</table></div></details>\n";
}

}  // namespace

std::string dashboard_html(std::span<const HistoryEntry> entries, const std::string& title) {
  const std::vector<StepHistory> steps = history_series(entries);
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>{}</style>\n"
      "</head>\n<body>\n<h1>{}</h1>\n<p class=\"quiet\">{} results",
      xml_text(title), kStyle, xml_text(title), entries.size());
  if (!entries.empty()) {
    const auto [first, last] =
        std::ranges::minmax(entries, {}, [](const HistoryEntry& entry) { return entry.record.time_ns; });
    out += fmt::format(", {} to {}", utc_text(first.record.time_ns), utc_text(last.record.time_ns));
  }
  out += "</p>\n";
  append_changes(entries, steps, out);
  for (const StepHistory& step : steps) {
    const std::string parameters = parameters_text(step.parameters);
    out += fmt::format("<section>\n<h2>{}{}</h2>\n<p class=\"quiet\">{}, on {}</p>\n<div class=\"cards\">\n",
                       xml_text(step.step), parameters.empty() ? "" : " (" + xml_text(parameters) + ")", step.kind,
                       xml_text(step.processor));
    for (const MetricSeries& series : step.metrics) append_card(entries, series, out);
    out += "</div>\n";
    append_results(entries, step, out);
    append_paths(entries, step, out);
    out += "</section>\n";
  }
  return out + "</body>\n</html>\n";
}

}  // namespace flarestack
