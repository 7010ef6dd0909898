// SPDX-License-Identifier: Apache-2.0
#include "report/summary_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"
#include "report/quality_panel.h"

namespace flarestack {
namespace {

constexpr size_t kHottest = 5;

std::string metric_phrase_of(const Profile& profile) {
  return fmt::format("{} of {} time", format_duration(profile.total()),
                     profile.options.metric == Metric::kWall ? "wall" : "CPU");
}

}  // namespace

std::string summary_text(const Profile& profile, const std::string& trace_path, const TextLayout& layout) {
  const Painter painter(layout.colour);
  const Recording& recording = profile.recording;
  std::string out =
      fmt::format("{} {}: {} in {} process{} over {}, {} samples\n", painter.bold("flarestack"),
                  shorten_middle(command_line(recording.session.command), layout.width / 2), metric_phrase_of(profile),
                  recording.processes.size(), recording.processes.size() == 1 ? "" : "es",
                  format_duration(static_cast<uint64_t>(std::max<int64_t>(recording.duration_ns, 0))),
                  format_count(profile.quality.samples));
  size_t shown = 0;
  for (const FunctionRow& row : function_table(profile, 0)) {
    if (row.self == 0 || shown++ == kHottest) {
      break;
    }
    const Function& function = profile.functions[row.function];
    const size_t room = layout.width > 60 ? layout.width - 30 : 30;
    out += fmt::format(
        "  {} {}  {}\n",
        painter.heat(row.self, profile.total(), fmt::format("{:>6}", format_percent(row.self, profile.total()))),
        short_function(function.name, room), painter.dim(short_file(function.module, 24)));
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
