// SPDX-License-Identifier: Apache-2.0
#include "report/diff_markdown.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/markdown_text.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

std::string numbers(Metric metric, const Change& change) {
  return fmt::format("| {} | {} | {} | {} ", mean_value(metric, change.base), mean_value(metric, change.newer),
                     signed_value(metric, change.change), change_ratio(change));
}

std::string side_phrase(const DiffReportSide& side) {
  std::string traces = markdown_code(side.traces.front());
  if (side.traces.size() > 1) traces += fmt::format(" and {} more", side.traces.size() - 1);
  return side.command.empty() ? traces : fmt::format("{} ({})", markdown_code(side.command), traces);
}

void append_totals(const DiffReport& report, std::string& out) {
  out += "\n|  | base | new | change |  |  |\n|---|---:|---:|---:|---:|---|\n";
  for (const ProfileDiff& diff : report.metrics) {
    const std::string words = verdict_words(diff.metric, diff.total.verdict);
    out += fmt::format("| {} {}| {} |\n", metric_title(diff.metric), numbers(diff.metric, diff.total.change),
                       is_change(diff.total.verdict) ? "**" + words + "**" : words);
  }
}

const char* const kTableHead = "| base | new | change |  | {} | module | where |\n|---:|---:|---:|---:|---|---|---|\n";

void append_rest(size_t all, size_t shown, std::string& out) {
  if (all > shown) out += fmt::format("\nand {} more\n", all - shown);
}

void append_functions(const DiffReport& report, const ProfileDiff& diff, const std::vector<const FunctionDiff*>& list,
                      DiffValue FunctionDiff::*value, const char* title, std::string& out) {
  if (list.empty()) return;
  out += "\n" + fmt::format(fmt::runtime(kTableHead), title);
  const size_t shown = report.top == 0 ? list.size() : std::min(list.size(), report.top);
  for (size_t i = 0; i < shown; ++i) {
    const Function& function = list[i]->function;
    out += fmt::format("{}| {} | {} | {} |\n", numbers(diff.metric, (list[i]->*value).change),
                       markdown_code(short_function(function.name, 120)), markdown_text(function.module),
                       markdown_code(place_of(function)));
  }
  append_rest(list.size(), shown, out);
}

void append_sites(const DiffReport& report, const ProfileDiff& diff, const std::vector<const SiteDiff*>& list,
                  std::string& out) {
  if (list.empty()) return;
  out += "\n" + fmt::format(fmt::runtime(kTableHead), "place");
  const size_t shown = report.top == 0 ? list.size() : std::min(list.size(), report.top);
  for (size_t i = 0; i < shown; ++i) {
    const SiteDiff& site = *list[i];
    std::string callers;
    for (size_t caller = 1; caller < std::min<size_t>(site.path.size(), 4); ++caller)
      callers += (caller == 1 ? " of " : ", ") + markdown_code(short_function(site.path[caller].function, 60));
    out += fmt::format("{}| {}{} | {} | {} |\n", numbers(diff.metric, site.value.change),
                       markdown_code(short_function(site.path.front().function, 120)), callers,
                       markdown_text(site.module), markdown_code(place_of(site)));
  }
  append_rest(list.size(), shown, out);
}

void append_metric(const DiffReport& report, const ProfileDiff& diff, std::string& out) {
  const DiffLists lists = diff_lists(diff);
  const bool is_heap = is_heap_metric(diff.metric);
  out += fmt::format("\n### {} by {}\n\n{}.\n", metric_title(diff.metric), is_heap ? "place" : "function",
                     markdown_text(lists_phrase(diff, lists)));
  if (is_heap) {
    append_sites(report, diff, lists.worse_sites, out);
    append_sites(report, diff, lists.better_sites, out);
  } else {
    append_functions(report, diff, lists.worse, &FunctionDiff::self, "function", out);
    append_functions(report, diff, lists.better, &FunctionDiff::self, "function", out);
  }
  append_functions(report, diff, lists.through_calls, &FunctionDiff::total, "function, with what it calls", out);
}

}  // namespace

std::string diff_markdown(const DiffReport& report) {
  std::string out =
      fmt::format("## What changed\n\nFrom {} to {}.\n", side_phrase(report.base), side_phrase(report.newer));
  if (!report.filters.empty()) out += fmt::format("Only: {}.\n", markdown_text(report.filters));
  append_totals(report, out);
  for (const ProfileDiff& diff : report.metrics) append_metric(report, diff, out);
  const std::vector<std::string> notes = diff_notes(report);
  if (!notes.empty()) out += "\n";
  for (const std::string& note : notes) out += markdown_text(note) + "\n";
  return out;
}

}  // namespace flarestack
