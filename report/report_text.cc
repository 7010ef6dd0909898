// SPDX-License-Identifier: Apache-2.0
#include "report/report_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"
#include "model/heap_functions.h"
#include "report/findings_text.h"
#include "report/heap_text.h"
#include "report/heap_words.h"
#include "report/leaks_words.h"
#include "report/metric_words.h"
#include "report/quality_panel.h"
#include "report/regions_text.h"
#include "report/timeout_report.h"

namespace flarestack {
namespace {

constexpr size_t kMostPassedThrough = 20;

// The columns of numbers before a function's name.
size_t left_width(const Profile& profile) { return is_heap_metric(profile.options.metric) ? 51 : 38; }

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
  const std::string title = fmt::format("{} by function", metric_title(profile.options.metric));
  const size_t room = layout.width > title.size() + 20 ? layout.width - title.size() - 2 : 20;
  std::string out =
      painter.bold(title) + "  " + shorten_end(command_line(profile.recording.session.command), room) + "\n";
  uint64_t samples = 0;
  for (const ProfileSample& sample : profile.samples) samples += sample.count;
  const Metric metric = profile.options.metric;
  const std::string counted =
      (is_heap_metric(metric) && !is_bytes_metric(metric)) || (samples == 0 && profile.recording.is_imported())
          ? ""
          : "; " + counted_phrase(metric, samples);
  const std::string duration = duration_phrase(profile.recording);
  out += painter.dim(fmt::format(
             "{} in {}{}{}",
             is_heap_metric(metric) ? value_phrase(metric, profile.total()) : format_duration(profile.total()),
             population(profile), duration.empty() ? "" : " over " + duration, counted)) +
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

// `parts` with two blanks between them, on as many lines as they need, behind `left` columns.
void append_details(const std::vector<std::string>& parts, size_t left, const TextLayout& layout, std::string& out) {
  const Painter painter(layout.colour);
  std::string line;
  const auto flush = [&] {
    if (!line.empty()) out += std::string(left, ' ') + painter.dim(line) + "\n";
    line.clear();
  };
  for (const std::string& part : parts) {
    if (!line.empty() && left + columns_of(line) + 2 + columns_of(part) > layout.width) flush();
    line += (line.empty() ? "" : "  ") + shorten_middle(part, std::max(layout.width, left + 20) - left);
  }
  flush();
}

// What a heap metric shows of a function's own allocations.
std::string heap_numbers(const Profile& profile, const FunctionRow& row, const FunctionHeap& own) {
  const Metric metric = profile.options.metric;
  uint64_t blocks = own.allocations;
  uint64_t bytes = own.allocated_bytes;
  if (is_level_metric(metric)) {
    blocks = level_blocks(metric, own);
    bytes = level_bytes(metric, own);
  }
  const std::string other = metric == Metric::kAllocations ? format_bytes(bytes) : format_count(blocks);
  return fmt::format("{:>6}  {:>10}  {:>6}  {:>11}  {:>8}  ", format_percent(row.self, profile.total()),
                     format_value(metric, row.self), format_percent(row.total, profile.total()), other,
                     blocks == 0 ? "-" : format_bytes(bytes / blocks));
}

const char* self_table_title(Metric metric) {
  switch (metric) {
    case Metric::kCpu:
    case Metric::kWall:
      return "  SELF       TIME    TOTAL  IF FREE   FUNCTION";
    case Metric::kAllocated:
      return "  SELF       BYTES   TOTAL  ALLOCATIONS  AVG SIZE  FUNCTION";
    case Metric::kAllocations:
      return "  SELF   ALLOCATED   TOTAL        BYTES  AVG SIZE  FUNCTION";
    case Metric::kPeak:
    case Metric::kLive:
    case Metric::kLeaked:
      return "  SELF       BYTES   TOTAL       BLOCKS  AVG SIZE  FUNCTION";
    case Metric::kTemporary:
      return "  SELF   TEMPORARY   TOTAL  ALLOCATIONS  AVG SIZE  FUNCTION";
  }
  return "";
}

void append_self_table(const Profile& profile, const std::vector<FunctionRow>& rows, const ReportOptions& options,
                       std::string& out) {
  const Painter painter(options.layout.colour);
  const Metric metric = profile.options.metric;
  const size_t left = left_width(profile);
  const size_t name_width = std::max<size_t>(options.layout.width, left + 24) - left;
  const std::vector<FunctionHeap> heap =
      is_heap_metric(metric) ? heap_by_function(profile) : std::vector<FunctionHeap>();
  out += painter.bold(self_table_title(metric)) + "\n";
  for (const FunctionRow& row : rows) {
    const std::string numbers =
        is_heap_metric(metric)
            ? heap_numbers(profile, row, heap[row.function])
            : fmt::format("{:>6}  {:>9}   {:>6}  {:>7}   ", format_percent(row.self, profile.total()),
                          format_duration(row.self), format_percent(row.total, profile.total()),
                          speed_up_text(row.self, profile.total()));
    out += painter.heat(row.self, profile.total(), numbers) +
           painter.bold(short_function(profile.functions[row.function].name, name_width)) + "\n";
    append_details(details(profile, row, name_width), left, options.layout, out);
  }
  if (!is_heap_metric(metric))
    out += painter.dim("IF FREE: how many times faster it would all be if the function cost nothing.") + "\n";
}

void append_total_table(const Profile& profile, const std::vector<FunctionRow>& rows, const ReportOptions& options,
                        std::string& out) {
  const Painter painter(options.layout.colour);
  constexpr size_t kNumbersWidth = 18;
  const size_t room = std::max<size_t>(options.layout.width, kNumbersWidth + 40) - kNumbersWidth;
  out += "\n" +
         painter.bold(is_heap_metric(profile.options.metric)
                          ? " TOTAL    SELF    FUNCTIONS WHOSE ALLOCATIONS ARE IN WHAT THEY CALL"
                          : " TOTAL    SELF    FUNCTIONS WHOSE TIME IS IN WHAT THEY CALL") +
         "\n";
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
  std::string out = head(profile, options.layout);
  std::string below = "\n" + quality_text(profile, options.layout);
  const bool is_heap = is_heap_metric(profile.options.metric);
  if (is_heap) {
    const HeapSummary summary = summarize_heap(profile);
    for (const std::string& line : wrapped(heap_phrase(summary), options.layout.width)) out += painter.dim(line) + "\n";
    const std::string leaks = leaks_line(profile, nullptr);
    if (!leaks.empty()) {
      for (const std::string& line : wrapped("leaks: " + leaks, options.layout.width)) out += painter.dim(line) + "\n";
    }
    for (const std::string& line : wrapped(confidence_phrase(summary), options.layout.width))
      out += line.empty() ? "" : painter.note(line) + "\n";
    below = heap_text(profile, summary, options.layout) + below;
  }
  if (const std::string regions = regions_text(profile, options.layout); !regions.empty())
    below = "\n" + regions + below;
  constexpr size_t kTimeoutFrames = 24;
  if (const std::string timeout = timeout_text(profile, kTimeoutFrames, options.layout); !timeout.empty())
    out += "\n" + timeout;
  out += "\n";
  if (options.findings != nullptr) out += findings_text(*options.findings, options.top, options.layout) + "\n";
  std::vector<FunctionRow> rows = function_table(profile, options.threshold);
  if (rows.empty()) {
    out += profile.total() != 0 ? "No function reaches the threshold.\n"
           : is_heap            ? "Nothing: no such allocation was made, or a filter left none.\n"
                     : "No samples: nothing ran on a CPU long enough to be seen, or a filter left nothing.\n";
    return out + below;
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
  return out + below;
}

}  // namespace flarestack
