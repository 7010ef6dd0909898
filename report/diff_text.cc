// SPDX-License-Identifier: Apache-2.0
#include "report/diff_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr size_t kNumbersWidth = 47;  // before a name
constexpr size_t kLabelWidth = 26;    // of a metric

std::string numbers(Metric metric, const Change& change) {
  return fmt::format("{:>10}  {:>10}  {:>10}  {:>9}", mean_value(metric, change.base), mean_value(metric, change.newer),
                     signed_value(metric, change.change), change_ratio(change));
}

std::string paint_change(const Painter& painter, ChangeVerdict verdict, double change, const std::string& text) {
  if (!is_change(verdict)) return painter.dim(text);
  return change > 0 ? painter.bad(text) : painter.good(text);
}

std::string side_line(const char* label, const DiffReportSide& side, const TextLayout& layout) {
  std::string traces = side.traces.front();
  if (side.traces.size() > 1) traces += fmt::format(" and {} more", side.traces.size() - 1);
  std::string line = fmt::format("{:<5} {}", label, printable(traces));
  if (!side.command.empty()) line += "  " + printable(side.command);
  return shorten_end(line, layout.width) + "\n";
}

void append_head(const DiffReport& report, std::string& out) {
  const Painter painter(report.layout.colour);
  out += side_line("base", report.base, report.layout);
  out += side_line("new", report.newer, report.layout);
  std::string pairs;
  std::map<std::string, std::string> paired;
  for (const ProfileDiff& each : report.metrics) paired.insert(each.paired_modules.begin(), each.paired_modules.end());
  for (const auto& [newer, base] : paired)
    pairs += fmt::format("{}{} is {}", pairs.empty() ? "" : ", ", printable(newer), printable(base));
  if (!pairs.empty()) {
    for (const std::string& line : wrapped("Taken for the same: " + pairs + ".", report.layout.width))
      out += painter.dim(line) + "\n";
  }
  if (!report.filters.empty()) out += painter.note("only: " + report.filters) + "\n";
}

void append_totals(const DiffReport& report, std::string& out) {
  const Painter painter(report.layout.colour);
  out += "\n" +
         painter.bold(fmt::format("{:<{}}{:>10}  {:>10}  {:>10}", "TOTALS", kLabelWidth, "BASE", "NEW", "CHANGE")) +
         "\n";
  for (const ProfileDiff& diff : report.metrics) {
    const Change& change = diff.total.change;
    out += fmt::format("{:<{}}", metric_title(diff.metric), kLabelWidth) +
           paint_change(painter, diff.total.verdict, change.change,
                        numbers(diff.metric, change) + "  " + verdict_words(diff.metric, diff.total.verdict)) +
           "\n";
  }
}

// A name and as much of what is known of its place as there is room for, behind the numbers.
std::string named(const TextLayout& layout, const std::string& name, const std::vector<std::string>& details) {
  const Painter painter(layout.colour);
  const size_t room = std::max<size_t>(layout.width, kNumbersWidth + 24) - kNumbersWidth;
  const std::string shown = short_function(name, room);
  std::string known;
  for (const std::string& each : details) {
    if (!each.empty() && columns_of(shown) + columns_of(known) + 2 + columns_of(each) <= room) known += "  " + each;
  }
  return painter.bold(shown) + painter.dim(known);
}

void append_more(size_t all, size_t shown, const Painter& painter, std::string& out) {
  if (all > shown) out += painter.dim(fmt::format("and {} more; --top 0 lists them all", all - shown)) + "\n";
}

size_t shown_of(const DiffReport& report, size_t all) { return report.top == 0 ? all : std::min(all, report.top); }

void append_functions(const DiffReport& report, const ProfileDiff& diff, const std::vector<const FunctionDiff*>& list,
                      DiffValue FunctionDiff::*value, std::string& out) {
  const Painter painter(report.layout.colour);
  const size_t shown = shown_of(report, list.size());
  for (size_t i = 0; i < shown; ++i) {
    const FunctionDiff& each = *list[i];
    const DiffValue& row = each.*value;
    out += paint_change(painter, row.verdict, row.change.change, numbers(diff.metric, row.change)) + "  " +
           named(report.layout, each.function.name, {short_file(each.function.module, 24), place_of(each.function)}) +
           "\n";
  }
  append_more(list.size(), shown, painter, out);
}

// A place and, below it, who calls it.
void append_sites(const DiffReport& report, const ProfileDiff& diff, const std::vector<const SiteDiff*>& list,
                  std::string& out) {
  const Painter painter(report.layout.colour);
  const size_t shown = shown_of(report, list.size());
  for (size_t i = 0; i < shown; ++i) {
    const SiteDiff& each = *list[i];
    const DiffValue& row = each.value;
    out += paint_change(painter, row.verdict, row.change.change, numbers(diff.metric, row.change)) + "  " +
           named(report.layout, each.path.front().function, {short_file(each.module, 24), place_of(each)}) + "\n";
    std::string callers;
    for (size_t caller = 1; caller < each.path.size(); ++caller)
      callers += (caller == 1 ? "called by " : ", ") + short_function(each.path[caller].function, 30);
    const size_t room = std::max<size_t>(report.layout.width, kNumbersWidth + 24) - kNumbersWidth;
    if (!callers.empty()) out += std::string(kNumbersWidth, ' ') + painter.dim(shorten_end(callers, room)) + "\n";
  }
  append_more(list.size(), shown, painter, out);
}

std::string table_title(const char* what) {
  return fmt::format("{:>10}  {:>10}  {:>10}  {:>9}  {}", "BASE", "NEW", "CHANGE", "", what);
}

void append_metric(const DiffReport& report, const ProfileDiff& diff, std::string& out) {
  const Painter painter(report.layout.colour);
  const DiffLists lists = diff_lists(diff);
  const bool is_heap = is_heap_metric(diff.metric);
  const std::string title = fmt::format("{} by {}", metric_title(diff.metric), is_heap ? "place" : "function");
  out += "\n";
  const std::vector<std::string> lines = wrapped(title + ": " + lists_phrase(diff, lists), report.layout.width);
  for (const std::string& line : lines) out += painter.bold(line) + "\n";
  if (is_heap) {
    if (lists.worse_sites.empty() && lists.better_sites.empty() && lists.through_calls.empty()) return;
    if (!lists.worse_sites.empty() || !lists.better_sites.empty()) out += table_title("PLACE") + "\n";
    append_sites(report, diff, lists.worse_sites, out);
    append_sites(report, diff, lists.better_sites, out);
  } else if (!lists.worse.empty() || !lists.better.empty()) {
    out += table_title("FUNCTION, WITHOUT WHAT IT CALLS") + "\n";
    append_functions(report, diff, lists.worse, &FunctionDiff::self, out);
    append_functions(report, diff, lists.better, &FunctionDiff::self, out);
  }
  if (!lists.through_calls.empty()) {
    out += table_title("FUNCTION, WITH WHAT IT CALLS") + "\n";
    append_functions(report, diff, lists.through_calls, &FunctionDiff::total, out);
  }
}

}  // namespace

std::string diff_text(const DiffReport& report) {
  const Painter painter(report.layout.colour);
  std::string out;
  append_head(report, out);
  append_totals(report, out);
  for (const ProfileDiff& diff : report.metrics) append_metric(report, diff, out);
  const std::vector<std::string> notes = diff_notes(report);
  if (!notes.empty()) out += "\n";
  for (const std::string& note : notes) {
    for (const std::string& line : wrapped(note, report.layout.width)) out += painter.dim(line) + "\n";
  }
  return out;
}

}  // namespace flarestack
