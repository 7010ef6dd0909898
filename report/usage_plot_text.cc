// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "model/rounded.h"
#include "report/usage_plot.h"

namespace flarestack {
namespace {

constexpr size_t kRows = 8;
constexpr size_t kLeft = 11;  // of the axis, with its labels

// What a row of a column shows; eighths from empty to full.
const char* block(int eighths, bool unicode) {
  constexpr std::array kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (!unicode) return eighths >= 4 ? "#" : eighths > 0 ? "." : " ";
  return kBlocks[static_cast<size_t>(eighths)];
}

class Panel {
 public:
  Panel(const UsagePlot& plot, const PlotPanel& panel, const TextLayout& layout)
      : plot_(plot), panel_(panel), layout_(layout), columns_(std::max<size_t>(layout.width, kLeft + 20) - kLeft) {
    for (size_t i = 0; i < columns_; ++i) {
      const int64_t begin = time_at(i), end = std::max(time_at(i + 1), begin + 1);
      // A short peak of memory is what matters; of processors, how many were busy on average.
      values_.push_back(panel.unit == PlotUnit::kBytes ? most_between(panel.curve, begin, end)
                                                       : mean_between(panel.curve, begin, end));
      most_ = std::max(most_, values_.back().value_or(0));
    }
    if (panel.peak) most_ = std::max(most_, static_cast<double>(panel.peak->bytes));
    scale_ = scale_for(panel.unit, most_);
  }

  std::string text() const {
    const Painter painter(layout_.colour);
    std::string out = painter.bold(panel_.title) + head() + "\n";
    for (size_t row = kRows; row-- > 0;) out += line(row, painter);
    out += axis() + marks();
    return out;
  }

 private:
  int64_t time_at(size_t column) const {
    const auto length = static_cast<double>(plot_.to_ns - plot_.from_ns);
    return plot_.from_ns + static_cast<int64_t>(length * static_cast<double>(column) / static_cast<double>(columns_));
  }

  std::string head() const {
    if (panel_.peak)
      return fmt::format("  peak {} at {}", format_bytes(panel_.peak->bytes),
                         format_duration(static_cast<uint64_t>(std::max<int64_t>(panel_.peak->time_ns, 0))));
    if (panel_.unit == PlotUnit::kBytes) return fmt::format("  most {}", format_bytes(rounded(most_)));
    const std::optional<double> mean = mean_between(panel_.curve, plot_.from_ns, plot_.to_ns);
    return fmt::format("  {:.2f} on average", mean.value_or(0));
  }

  std::string line(size_t row, const Painter& painter) const {
    std::string label;
    for (int step = 1; step <= scale_.steps; ++step) {
      if (row == static_cast<size_t>(std::lround(static_cast<double>(kRows) * step / scale_.steps)) - 1)
        label = plot_value(panel_.unit, scale_.top * step / scale_.steps);
    }
    std::string bars;
    for (const std::optional<double>& value : values_) {
      const double height = value.value_or(0) / scale_.top * kRows * 8 - static_cast<double>(row) * 8;
      const int eighths = static_cast<int>(std::clamp(std::ceil(height - 1e-9), 0.0, 8.0));
      bars += block(eighths, layout_.unicode);
    }
    while (!bars.empty() && bars.back() == ' ') bars.pop_back();
    const char* edge = label.empty() ? (layout_.unicode ? "│" : "|") : (layout_.unicode ? "┤" : "+");
    return fmt::format("{:>{}} {}", label, kLeft - 2, edge) + painter.good(bars) + "\n";
  }

  // Where nothing is known there is no line.
  std::string axis() const {
    std::string out = fmt::format("{:>{}} {}", "0", kLeft - 2, layout_.unicode ? "└" : "+");
    for (const std::optional<double>& value : values_) out += value ? (layout_.unicode ? "─" : "-") : " ";
    while (out.back() == ' ') out.pop_back();
    return out + "\n";
  }

  // The range's ends, and the peak between them.
  std::string marks() const {
    const auto time_text = [](int64_t time_ns) {
      return format_duration(static_cast<uint64_t>(std::max<int64_t>(time_ns, 0)));
    };
    const std::string begin = time_text(plot_.from_ns), end = time_text(plot_.to_ns);
    std::string line(kLeft + columns_, ' ');
    line.replace(kLeft, begin.size(), begin);
    line.replace(line.size() - end.size(), end.size(), end);
    std::string out = line;
    if (panel_.peak && plot_.to_ns > plot_.from_ns) {
      const double part =
          static_cast<double>(panel_.peak->time_ns - plot_.from_ns) / static_cast<double>(plot_.to_ns - plot_.from_ns);
      const size_t at =
          kLeft + std::min(columns_ - 1, static_cast<size_t>(std::max(part, 0.0) * static_cast<double>(columns_)));
      if (line[at] == ' ') out = line.substr(0, at) + (layout_.unicode ? "▲" : "^") + line.substr(at + 1);
    }
    return out + "\n";
  }

  const UsagePlot& plot_;
  const PlotPanel& panel_;
  const TextLayout& layout_;
  size_t columns_;
  std::vector<std::optional<double>> values_;
  double most_ = 0;
  PlotScale scale_;
};

std::string spans_text(const UsagePlot& plot, const TextLayout& layout) {
  std::string out;
  const size_t columns = std::max<size_t>(layout.width, kLeft + 20) - kLeft;
  const auto column_at = [&](int64_t time_ns) {
    const double part = static_cast<double>(time_ns - plot.from_ns) /
                        static_cast<double>(std::max<int64_t>(plot.to_ns - plot.from_ns, 1));
    return static_cast<size_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(columns));
  };
  std::vector<std::string> names;
  for (const UsageSpan& span : plot.spans) {
    if (std::find(names.begin(), names.end(), span.name) == names.end()) names.push_back(span.name);
  }
  for (const std::string& name : names) {
    std::vector<bool> open(columns, false);
    for (const UsageSpan& span : plot.spans) {
      if (span.name != name || span.to_ns < plot.from_ns || span.from_ns > plot.to_ns) continue;
      const size_t begin = std::min(column_at(span.from_ns), columns - 1);
      for (size_t i = begin; i < std::max(column_at(span.to_ns), begin + 1); ++i) open[i] = true;
    }
    std::string line = padded(shorten_middle(printable(name), kLeft - 1), kLeft - 1) + " ";
    for (const bool each : open) line += each ? (layout.unicode ? "▒" : "=") : " ";
    while (line.back() == ' ') line.pop_back();
    out += line + "\n";
  }
  return out;
}

}  // namespace

std::string usage_plot_text(const UsagePlot& plot, const TextLayout& layout) {
  const Painter painter(layout.colour);
  std::string out = shorten_end(printable(plot.title), layout.width);
  out += out.empty() ? "" : "\n";
  if (!plot.subtitle.empty()) out += painter.note(plot.subtitle) + "\n";
  for (const PlotPanel& panel : plot.panels) out += (out.empty() ? "" : "\n") + Panel(plot, panel, layout).text();
  if (!plot.spans.empty()) out += "\n" + spans_text(plot, layout);
  return out;
}

}  // namespace flarestack
