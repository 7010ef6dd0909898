// SPDX-License-Identifier: Apache-2.0
#include "report/summary_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"
#include "model/heap_advice.h"
#include "report/heap_words.h"
#include "report/leaks_words.h"
#include "report/metric_words.h"
#include "report/quality_panel.h"
#include "report/timeout_report.h"

namespace flarestack {
namespace {

constexpr size_t kHottest = 5;
constexpr size_t kHottestBesideHeap = 3;

void append_heap(const Profile& profile, const Profile* heap, const SummaryOptions& options, std::string& out) {
  const TextLayout& layout = options.layout;
  const Painter painter(layout.colour);
  const HeapSummary summary = summarize_heap(heap != nullptr ? *heap : profile);
  const auto add = [&](const char* label, const std::string& text) {
    if (!text.empty()) out += fmt::format("  {}{}\n", painter.dim(label), text);
  };
  add("heap: ", heap_phrase(summary));
  add("heap: ", confidence_phrase(summary));
  std::string memory = rss_phrase(summary);
  if (!memory.empty() && summary.memory.allocator_overhead_bytes != 0)
    memory += fmt::format("; {} of it the allocator's caches and fragmentation",
                          format_bytes(summary.memory.allocator_overhead_bytes));
  add("memory: ", memory);
  if (heap != nullptr || is_heap_metric(profile.options.metric))
    add("leaks: ", leaks_line(heap != nullptr ? *heap : profile, options.suppressions));
  if (heap == nullptr) return;
  const std::vector<HeapAdvice> advice = heap_advice(*heap, summary);
  if (advice.empty()) return;
  const size_t room = std::max<size_t>(layout.width, 40) - 12;
  add("advice: ", shorten_end(place_phrase(*heap, advice.front().path, 40), room));
  add("        ", shorten_end(advice.front().matter, room));
}

}  // namespace

std::string summary_text(const Profile& profile, const Profile* heap, const std::string& trace_path,
                         const SummaryOptions& options) {
  const TextLayout& layout = options.layout;
  const Painter painter(layout.colour);
  const Recording& recording = profile.recording;
  std::string out = fmt::format(
      "{} {}: {} in {} process{} over {}, {}\n", painter.bold("flarestack"),
      shorten_middle(command_line(recording.session.command), layout.width / 2),
      value_phrase(profile.options.metric, profile.total()), recording.processes.size(),
      recording.processes.size() == 1 ? "" : "es",
      format_duration(static_cast<uint64_t>(std::max<int64_t>(recording.duration_ns, 0))),
      is_heap_metric(profile.options.metric) ? "no CPU samples" : format_count(profile.quality.samples) + " samples");
  constexpr size_t kTimeoutFrames = 8;
  out += timeout_text(profile, kTimeoutFrames, layout);
  const bool has_heap = recording.has_heap();
  const size_t most = has_heap ? kHottestBesideHeap : kHottest;
  size_t shown = 0;
  for (const FunctionRow& row : function_table(profile, 0)) {
    if (row.self == 0 || shown++ == most) {
      break;
    }
    const Function& function = profile.functions[row.function];
    const size_t room = layout.width > 60 ? layout.width - 30 : 30;
    out += fmt::format(
        "  {} {}  {}\n",
        painter.heat(row.self, profile.total(), fmt::format("{:>6}", format_percent(row.self, profile.total()))),
        short_function(function.name, room), painter.dim(short_file(function.module, 24)));
  }
  if (has_heap) append_heap(profile, heap, options, out);
  for (const QualityLine& line : outside_lines(recording)) {
    out += painter.note(fmt::format("  {}{}\n", line.label.empty() ? "" : line.label + ": ", line.text));
  }
  // Good news is silent here; the panel of `report` has it all.
  for (const QualityLine& line : quality_lines(profile)) {
    if (line.mood == Mood::kBad) {
      out += painter.bad(fmt::format("  {}{}\n", line.label.empty() ? "" : line.label + ": ", line.text));
    }
  }
  return out + fmt::format("  trace: {}; next: flarestack report {}\n", trace_path, trace_path);
}

}  // namespace flarestack
