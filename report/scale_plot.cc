// SPDX-License-Identifier: Apache-2.0
#include "report/scale_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "report/metric_words.h"
#include "report/scale_text.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

constexpr size_t kLines = 6;  // besides the whole
constexpr double kLeastShare = 0.02;
constexpr size_t kTextRows = 14;
constexpr size_t kTextColumns = 56;
constexpr size_t kCurvePoints = 48;

struct PlotLine {
  std::string name;
  const ScaledCost* cost;
};

// The ranges that the axes show.
struct PlotRange {
  double least_size = 0;
  double greatest_size = 0;
  double least_cost = std::numeric_limits<double>::infinity();
  double greatest_cost = 0;
  bool is_empty() const { return greatest_cost <= 0 || greatest_size <= least_size; }
  // From 0 to 1.
  double x(double size) const { return part(size, least_size, greatest_size); }
  double y(double cost) const { return part(cost, least_cost, greatest_cost); }

 private:
  static double part(double value, double least, double greatest) {
    return greatest > least ? std::log(value / least) / std::log(greatest / least) : 0.5;
  }
};

Metric plotted_metric(const ScalingStudy& study) { return study.has_cpu ? Metric::kCpu : Metric::kAllocated; }

// The whole, then what grows worse than it, then what costs most.
std::vector<PlotLine> plot_lines(const ScalingStudy& study) {
  const bool is_cpu = plotted_metric(study) == Metric::kCpu;
  const ScaledCost& whole = is_cpu ? study.cpu : study.allocated;
  std::vector<PlotLine> lines = {{"the whole", &whole}};
  std::vector<PlotLine> others;
  const auto add = [&](const std::string& name, const ScaledCost& cost) {
    if (cost.last() < kLeastShare * whole.last()) return;
    (cost.is_worse ? lines : others).push_back({name, &cost});
  };
  if (is_cpu) {
    for (const ScaledFunction& function : study.functions) add(function.name, function.self);
  } else {
    for (const ScaledSite& site : study.sites) add(fmt::format("{}:{}", site.function, site.line), site.allocated);
  }
  lines.insert(lines.end(), others.begin(), others.end());
  if (lines.size() > kLines + 1) lines.resize(kLines + 1);
  return lines;
}

PlotRange range_of(const ScalingStudy& study, const std::vector<PlotLine>& lines) {
  PlotRange range;
  range.least_size = study.sizes.front();
  range.greatest_size = study.sizes.back();
  for (const PlotLine& line : lines) {
    for (const double cost : line.cost->costs) {
      if (cost <= 0) continue;
      range.least_cost = std::min(range.least_cost, cost);
      range.greatest_cost = std::max(range.greatest_cost, cost);
    }
  }
  return range;
}

std::string cost_text(const ScalingStudy& study, double cost) {
  return format_value(plotted_metric(study), static_cast<uint64_t>(std::llround(cost)));
}

constexpr double kWidth = 900;
constexpr double kHeight = 520;
constexpr double kLeft = 90;
constexpr double kTop = 50;
constexpr double kPlotWidth = 480;
constexpr double kPlotHeight = 400;
constexpr std::array kColours = {"#222222", "#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98", "#117a65"};

double svg_x(const PlotRange& range, double size) { return kLeft + kPlotWidth * range.x(size); }
double svg_y(const PlotRange& range, double cost) { return kTop + kPlotHeight * (1 - range.y(cost)); }

// The fitted law, where it is within the picture.
std::string svg_curve(const PlotRange& range, const ScalingFit& fit) {
  std::string points;
  if (fit.verdict != ScalingVerdict::kFitted) return points;
  for (size_t i = 0; i <= kCurvePoints; ++i) {
    const double part = static_cast<double>(i) / kCurvePoints;
    const double size = range.least_size * std::pow(range.greatest_size / range.least_size, part);
    const double cost = cost_by(fit.best(), fit.greatest_size, size);
    if (cost < range.least_cost || cost > range.greatest_cost * 1.2) continue;
    points += fmt::format("{:.1f},{:.1f} ", svg_x(range, size), svg_y(range, cost));
  }
  return points;
}

std::string svg_axes(const ScalingStudy& study, const PlotRange& range) {
  std::string out = fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#999\"/>\n",
                                kLeft, kTop, kPlotWidth, kPlotHeight);
  for (const double size : study.sizes) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", svg_x(range, size),
                       kTop + kPlotHeight + 18, size_text(size));
  }
  constexpr int kMarks = 4;
  for (int i = 0; i <= kMarks; ++i) {
    const double cost = range.least_cost * std::pow(range.greatest_cost / range.least_cost, double{1.0} * i / kMarks);
    out += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", kLeft - 8, svg_y(range, cost) + 4,
                       cost_text(study, cost));
  }
  return out;
}

}  // namespace

std::string scale_plot_text(const ScalingStudy& study, const TextLayout& layout) {
  if (study.sizes.size() < 2) return "";
  const std::vector<PlotLine> lines = plot_lines(study);
  const PlotRange range = range_of(study, lines);
  if (range.is_empty()) return "";
  std::vector<std::string> rows(kTextRows, std::string(kTextColumns, ' '));
  std::string out;
  for (size_t line = lines.size(); line-- > 0;) {  // the whole on top
    for (size_t i = 0; i < study.sizes.size(); ++i) {
      const double cost = lines[line].cost->costs[i];
      if (cost <= 0) continue;
      const auto column = static_cast<size_t>(std::lround(range.x(study.sizes[i]) * (kTextColumns - 1)));
      const auto row = static_cast<size_t>(std::lround((1 - range.y(cost)) * (kTextRows - 1)));
      rows[row][column] = static_cast<char>('A' + line);
    }
  }
  const Painter painter(layout.colour);
  for (size_t row = 0; row < kTextRows; ++row) {
    const std::string mark = row == 0               ? cost_text(study, range.greatest_cost)
                             : row + 1 == kTextRows ? cost_text(study, range.least_cost)
                                                    : "";
    out += fmt::format("{:>11} |{}", mark, rows[row]);
    if (row < lines.size())
      out += fmt::format("  {} {}", static_cast<char>('A' + row), short_function(lines[row].name, 40));
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  const std::string first = size_text(study.sizes.front());
  out += fmt::format("{:>11}  {}{:>{}}\n", study.parameter, first, size_text(study.sizes.back()),
                     kTextColumns - first.size());
  return out;
}

std::string scale_plot_svg(const ScalingStudy& study) {
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<text x=\"{}\" y=\"28\" font-size=\"15\">{} against {}: {}</text>\n",
      kWidth, kHeight, kLeft, metric_title(plotted_metric(study)), xml_text(study.parameter), xml_text(study.line));
  const std::vector<PlotLine> lines = plot_lines(study);
  const PlotRange range = study.sizes.empty() ? PlotRange() : range_of(study, lines);
  if (!range.is_empty()) {
    out += svg_axes(study, range);
    for (size_t line = lines.size(); line-- > 0;) {
      const char* colour = kColours[line % kColours.size()];
      out += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n",
                         svg_curve(range, lines[line].cost->fit), colour);
      for (size_t i = 0; i < study.sizes.size(); ++i) {
        const double cost = lines[line].cost->costs[i];
        if (cost <= 0) continue;
        out += fmt::format(
            "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"><title>{}</title></circle>\n",
            svg_x(range, study.sizes[i]), svg_y(range, cost), colour,
            xml_text(fmt::format("{} at {}: {}", lines[line].name, size_text(study.sizes[i]), cost_text(study, cost))));
      }
      const double y = kTop + 16 + 36 * static_cast<double>(line);
      out += fmt::format(
          "<text x=\"{0}\" y=\"{1}\" fill=\"{2}\">{3}</text>\n<text x=\"{0}\" y=\"{4}\" fill=\"#666\">{5}</text>\n",
          kLeft + kPlotWidth + 20, y, colour, xml_text(short_function(lines[line].name, 44)), y + 15,
          xml_text(law_phrase(lines[line].cost->fit)));
    }
  }
  return out + "</svg>\n";
}

}  // namespace flarestack
