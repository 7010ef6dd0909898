// SPDX-License-Identifier: Apache-2.0
#include "report/report_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"
#include "report/quality_panel.h"

namespace flarestack {
namespace {

constexpr size_t kLeftWidth = 38;  // the columns of numbers before a function's name
constexpr size_t kMostPassedThrough = 20;

std::string counted(size_t count, std::string_view singular, std::string_view plural) {
  return fmt::format("{} {}", format_count(count), count == 1 ? singular : plural);
}

// Threads and processes that the profile's samples are from.
std::string population(const Profile& profile) {
  std::vector<bool> thread_seen(profile.recording.threads.size(), false);
  std::vector<bool> process_seen(profile.recording.processes.size(), false);
  for (const ProfileSample& sample : profile.samples) {
    if (sample.thread >= thread_seen.size()) continue;
    thread_seen[sample.thread] = true;
    const uint32_t process = profile.recording.threads[sample.thread].process;
    if (process < process_seen.size()) process_seen[process] = true;
  }
  const auto count = [](const std::vector<bool>& seen) {
    return static_cast<size_t>(std::count(seen.begin(), seen.end(), true));
  };
  return counted(count(process_seen), "process", "processes") + ", " + counted(count(thread_seen), "thread", "threads");
}

std::string head(const Profile& profile, const TextLayout& layout) {
  const Painter painter(layout.colour);
  const std::string title =
      fmt::format("{} by function", profile.options.metric == Metric::kCpu ? "CPU time" : "Wall time");
  const size_t room = layout.width > title.size() + 20 ? layout.width - title.size() - 2 : 20;
  std::string out =
      painter.bold(title) + "  " + shorten_end(command_line(profile.recording.session.command), room) + "\n";
  uint64_t samples = 0;
  for (const ProfileSample& sample : profile.samples) samples += sample.count;
  out += painter.dim(
             fmt::format("{} in {} over {}; {}", format_duration(profile.total()), population(profile),
                         format_duration(static_cast<uint64_t>(std::max<int64_t>(profile.recording.duration_ns, 0))),
                         counted(samples, "sample", "samples"))) +
         "\n";
  const std::string filters = describe_filters(profile.options);
  if (!filters.empty()) out += painter.note("only: " + filters) + "\n";
  return out;
}

// Who ran it, in at most `width` columns: the one thread, or how many and as many of the busiest as there is room for.
std::string thread_phrase(const Profile& profile, const FunctionRow& row, size_t width) {
  constexpr size_t kMostNamed = 3;
  if (row.threads.size() == 1)
    return shorten_middle("thread " + thread_label(profile.recording, row.threads[0].thread), width);
  std::string phrase = counted(row.threads.size(), "thread", "threads");
  for (size_t i = 0; i < std::min(row.threads.size(), kMostNamed) && row.threads[i].self != 0; ++i) {  // by self
    const std::string next =
        fmt::format("{} {} {}", i == 0 ? ":" : ",", thread_label(profile.recording, row.threads[i].thread),
                    format_percent(row.threads[i].self, row.self));
    if (columns_of(phrase) + columns_of(next) + 5 > width) break;
    phrase += next;
    if (i + 1 == kMostNamed && row.threads.size() > kMostNamed) phrase += ", ...";
  }
  return phrase;
}

// Where the function is and what is hot in it, for the line below its name.
std::vector<std::string> details(const Profile& profile, const FunctionRow& row, size_t width) {
  const Function& function = profile.functions[row.function];
  std::vector<std::string> parts;
  if (!function.module.empty()) parts.push_back(short_file(function.module, 40));
  if (function.type != FrameType::kNative && function.type != FrameType::kMarker)
    parts.emplace_back(frame_type_name(function.type));
  if (function.line != 0) parts.push_back(fmt::format("{}:{}", short_file(function.file, 40), function.line));
  const LineShare& hottest = row.hottest_line;
  if (hottest.line != 0) {
    const std::string& file = profile.files[hottest.file];
    parts.push_back(fmt::format("hottest line {}:{} {}", file == function.file ? "" : short_file(file, 40),
                                hottest.line, format_percent(hottest.self, row.self)));
  }
  if (!row.threads.empty() && profile.recording.threads.size() > 1) parts.push_back(thread_phrase(profile, row, width));
  return parts;
}

// `parts` with two blanks between them, on as many lines as they need.
void append_details(const std::vector<std::string>& parts, const TextLayout& layout, std::string& out) {
  const Painter painter(layout.colour);
  std::string line;
  const auto flush = [&] {
    if (!line.empty()) out += std::string(kLeftWidth, ' ') + painter.dim(line) + "\n";
    line.clear();
  };
  for (const std::string& part : parts) {
    if (!line.empty() && kLeftWidth + columns_of(line) + 2 + columns_of(part) > layout.width) flush();
    line += (line.empty() ? "" : "  ") + shorten_middle(part, std::max(layout.width, kLeftWidth + 20) - kLeftWidth);
  }
  flush();
}

void append_self_table(const Profile& profile, const std::vector<FunctionRow>& rows, const ReportOptions& options,
                       std::string& out) {
  const Painter painter(options.layout.colour);
  const size_t name_width = std::max<size_t>(options.layout.width, kLeftWidth + 24) - kLeftWidth;
  out += painter.bold("  SELF       TIME    TOTAL  IF FREE   FUNCTION") + "\n";
  for (const FunctionRow& row : rows) {
    const std::string numbers = fmt::format("{:>6}  {:>9}   {:>6}  {:>7}   ", format_percent(row.self, profile.total()),
                                            format_duration(row.self), format_percent(row.total, profile.total()),
                                            speed_up_text(row.self, profile.total()));
    out += painter.heat(row.self, profile.total(), numbers) +
           painter.bold(short_function(profile.functions[row.function].name, name_width)) + "\n";
    append_details(details(profile, row, name_width), options.layout, out);
  }
  out += painter.dim("IF FREE: how many times faster it would all be if the function cost nothing.") + "\n";
}

void append_total_table(const Profile& profile, const std::vector<FunctionRow>& rows, const ReportOptions& options,
                        std::string& out) {
  const Painter painter(options.layout.colour);
  constexpr size_t kNumbersWidth = 18;
  const size_t room = std::max<size_t>(options.layout.width, kNumbersWidth + 40) - kNumbersWidth;
  out += "\n" + painter.bold(" TOTAL    SELF    FUNCTIONS WHOSE TIME IS IN WHAT THEY CALL") + "\n";
  const size_t shown = std::min(rows.size(), kMostPassedThrough);
  for (size_t i = 0; i < shown; ++i) {
    const Function& function = profile.functions[rows[i].function];
    const std::string module = short_file(function.module, 24);
    const size_t name_width = room - (module.empty() ? 0 : columns_of(module) + 2);
    out += fmt::format("{:>6}  {:>6}    ", format_percent(rows[i].total, profile.total()),
                       format_percent(rows[i].self, profile.total())) +
           short_function(function.name, name_width) + (module.empty() ? "" : "  " + painter.dim(module)) + "\n";
  }
  if (rows.size() > shown)
    out += painter.dim(fmt::format("and {} more; --format json has them all", rows.size() - shown)) + "\n";
}

}  // namespace

std::string report_text(const Profile& profile, const ReportOptions& options) {
  const Painter painter(options.layout.colour);
  std::string out = head(profile, options.layout) + "\n";
  std::vector<FunctionRow> rows = function_table(profile, options.threshold);
  if (rows.empty()) {
    out += profile.total() == 0 ? "No samples: nothing ran on a CPU long enough to be seen, or a filter left nothing.\n"
                                : "No function reaches the threshold.\n";
    return out + "\n" + quality_text(profile, options.layout);
  }
  // Those that burn time themselves, and those whose time is in what they call.
  const auto burns = [&](const FunctionRow& row) {
    return row.self != 0 && static_cast<double>(row.self) >= options.threshold * static_cast<double>(profile.total());
  };
  const auto middle = std::stable_partition(rows.begin(), rows.end(), burns);
  std::vector<FunctionRow> passed_through(middle, rows.end());
  rows.erase(middle, rows.end());
  std::stable_sort(passed_through.begin(), passed_through.end(),
                   [](const FunctionRow& a, const FunctionRow& b) { return a.total > b.total; });
  if (options.top != 0 && rows.size() > options.top) rows.resize(options.top);
  if (options.top != 0 && passed_through.size() > options.top) passed_through.resize(options.top);

  if (!rows.empty()) append_self_table(profile, rows, options, out);
  if (!passed_through.empty()) append_total_table(profile, passed_through, options, out);
  return out + "\n" + quality_text(profile, options.layout);
}

}  // namespace flarestack
