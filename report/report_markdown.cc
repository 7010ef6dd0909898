// SPDX-License-Identifier: Apache-2.0
#include "report/report_markdown.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"
#include "model/heap_functions.h"
#include "report/findings_text.h"
#include "report/heap_markdown.h"
#include "report/heap_words.h"
#include "report/markdown_text.h"
#include "report/metric_words.h"
#include "report/quality_panel.h"

namespace flarestack {
namespace {

std::string place(const Profile& profile, const FunctionRow& row) {
  const Function& function = profile.functions[row.function];
  std::string text;
  if (function.line != 0) text = markdown_code(fmt::format("{}:{}", short_file(function.file, 60), function.line));
  if (row.hottest_line.line != 0)
    text += fmt::format("{}hottest {} ({})", text.empty() ? "" : ", ",
                        markdown_code(fmt::format("{}:{}", short_file(profile.files[row.hottest_line.file], 60),
                                                  row.hottest_line.line)),
                        format_percent(row.hottest_line.self, row.self));
  return text;
}

// The columns between the self and the total share, and behind them.
std::string heap_cells_of(const Profile& profile, const FunctionRow& row, const FunctionHeap& own) {
  const Metric metric = profile.options.metric;
  const bool is_level = is_level_metric(metric);
  const uint64_t blocks = is_level ? level_blocks(metric, own) : own.allocations;
  const uint64_t bytes = is_level ? level_bytes(metric, own) : own.allocated_bytes;
  return fmt::format("| {} | {} | {} | {} | {} ", markdown_text(format_percent(row.self, profile.total())),
                     format_value(metric, row.self), markdown_text(format_percent(row.total, profile.total())),
                     metric == Metric::kAllocations ? format_bytes(bytes) : format_count(blocks),
                     blocks == 0 ? "-" : format_bytes(bytes / blocks));
}

const char* heap_table_head(Metric metric) {
  switch (metric) {
    case Metric::kAllocations:
      return "| self | allocations | total | bytes | average ";
    case Metric::kTemporary:
      return "| self | temporary | total | allocations | average ";
    case Metric::kPeak:
    case Metric::kLive:
    case Metric::kLeaked:
      return "| self | bytes | total | blocks | average ";
    default:
      return "| self | bytes | total | allocations | average ";
  }
}

void append_table(const Profile& profile, const ReportOptions& options, std::string& out) {
  const bool is_heap = is_heap_metric(profile.options.metric);
  out += is_heap ? heap_table_head(profile.options.metric) : "| self | time | total | if free ";
  out += "| function | module | where | threads |\n";
  out += is_heap ? "|---:|---:|---:|---:|---:" : "|---:|---:|---:|---:";
  out += "|---|---|---|---:|\n";
  const std::vector<FunctionHeap> heap = is_heap ? heap_by_function(profile) : std::vector<FunctionHeap>();
  std::vector<FunctionRow> rows = function_table(profile, options.threshold);
  if (options.top != 0 && rows.size() > options.top) rows.resize(options.top);
  for (const FunctionRow& row : rows) {
    const Function& function = profile.functions[row.function];
    out += is_heap ? heap_cells_of(profile, row, heap[row.function])
                   : fmt::format("| {} | {} | {} | {} ", markdown_text(format_percent(row.self, profile.total())),
                                 format_duration(row.self), markdown_text(format_percent(row.total, profile.total())),
                                 speed_up_text(row.self, profile.total()));
    out += fmt::format("| {} | {} | {} | {} |\n", markdown_code(short_function(function.name, 120)),
                       markdown_text(function.module), place(profile, row), row.threads.size());
  }
}

}  // namespace

std::string report_markdown(const Profile& profile, const ReportOptions& options) {
  const Metric metric = profile.options.metric;
  const std::string duration = duration_phrase(profile.recording);
  std::string out = fmt::format("## {} by function\n\n{}: {}{}.\n", metric_title(metric),
                                markdown_code(command_line(profile.recording.session.command)),
                                format_value(metric, profile.total()), duration.empty() ? "" : " over " + duration);
  const std::string filters = describe_filters(profile.options);
  if (!filters.empty()) out += fmt::format("Only: {}.\n", markdown_text(filters));
  HeapSummary summary;
  if (is_heap_metric(metric)) {
    summary = summarize_heap(profile);
    out += fmt::format("\nHeap: {}.\n", markdown_text(heap_phrase(summary)));
    const std::string confidence = confidence_phrase(summary);
    if (!confidence.empty()) out += fmt::format("{}.\n", markdown_text(confidence));
  }
  out += "\n";
  if (options.findings != nullptr) out += findings_markdown(*options.findings, options.top);
  append_table(profile, options, out);
  if (is_heap_metric(metric)) out += heap_markdown(profile, summary);
  out += "\n### Quality\n\n";
  for (const QualityLine& line : quality_lines(profile)) {
    out += line.label.empty() ? fmt::format("  - {}\n", markdown_text(line.text))
                              : fmt::format("- **{}**: {}\n", line.label, markdown_text(line.text));
  }
  return out;
}

}  // namespace flarestack
