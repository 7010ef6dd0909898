// SPDX-License-Identifier: Apache-2.0
#include "report/report_markdown.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"
#include "report/quality_panel.h"

namespace flarestack {
namespace {

// Plain text: nothing in it is markup or HTML.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char each : printable(text)) {
    if (std::string_view("\\`*_[]<>|#&~").find(each) != std::string_view::npos) out += '\\';
    out += each;
  }
  return out;
}

// A code span in a table's cell: a fence longer than any run of backticks inside, and bars escaped, which GitHub's
// tables want even in code (GFM 4.10).
std::string code(std::string_view text) {
  const std::string shown = printable(text);
  if (shown.empty()) return "";
  size_t longest = 0;
  for (size_t i = 0, run = 0; i < shown.size(); ++i) longest = std::max(longest, run = shown[i] == '`' ? run + 1 : 0);
  const std::string fence(longest + 1, '`');
  const std::string space = shown.front() == '`' || shown.back() == '`' ? " " : "";
  std::string out = fence + space;
  for (const char each : shown) out += each == '|' ? std::string("\\|") : std::string(1, each);
  return out + space + fence;
}

std::string place(const Profile& profile, const FunctionRow& row) {
  const Function& function = profile.functions[row.function];
  std::string text;
  if (function.line != 0) text = code(fmt::format("{}:{}", short_file(function.file, 60), function.line));
  if (row.hottest_line.line != 0)
    text += fmt::format(
        "{}hottest {} ({})", text.empty() ? "" : ", ",
        code(fmt::format("{}:{}", short_file(profile.files[row.hottest_line.file], 60), row.hottest_line.line)),
        format_percent(row.hottest_line.self, row.self));
  return text;
}

}  // namespace

std::string report_markdown(const Profile& profile, const ReportOptions& options) {
  const char* metric = profile.options.metric == Metric::kCpu ? "CPU time" : "Wall time";
  std::string out =
      fmt::format("## {} by function\n\n{}: {} over {}.\n", metric,
                  code(command_line(profile.recording.session.command)), format_duration(profile.total()),
                  format_duration(static_cast<uint64_t>(std::max<int64_t>(profile.recording.duration_ns, 0))));
  const std::string filters = describe_filters(profile.options);
  if (!filters.empty()) out += fmt::format("Only: {}.\n", escaped(filters));
  out += "\n| self | time | total | if free | function | module | where | threads |\n";
  out += "|---:|---:|---:|---:|---|---|---|---:|\n";
  std::vector<FunctionRow> rows = function_table(profile, options.threshold);
  if (options.top != 0 && rows.size() > options.top) rows.resize(options.top);
  for (const FunctionRow& row : rows) {
    const Function& function = profile.functions[row.function];
    out +=
        fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", escaped(format_percent(row.self, profile.total())),
                    format_duration(row.self), escaped(format_percent(row.total, profile.total())),
                    speed_up_text(row.self, profile.total()), code(short_function(function.name, 120)),
                    escaped(function.module), place(profile, row), row.threads.size());
  }
  out += "\n### Quality\n\n";
  for (const QualityLine& line : quality_lines(profile)) {
    out += line.label.empty() ? fmt::format("  - {}\n", escaped(line.text))
                              : fmt::format("- **{}**: {}\n", line.label, escaped(line.text));
  }
  return out;
}

}  // namespace flarestack
