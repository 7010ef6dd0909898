// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "report/usage_plot.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

constexpr double kWidth = 1000;
constexpr double kLeft = 90;
constexpr double kRight = 24;
constexpr double kTop = 62;
constexpr double kPanel = 170;   // of a panel's curve
constexpr double kBetween = 64;  // and between two of them
constexpr double kInside = kWidth - kLeft - kRight;
constexpr size_t kMostPoints = 1800;  // two a pixel: a longer curve is drawn by its greatest and least in each
constexpr size_t kShades = 6;

// Both themes; the picture stands alone.
constexpr const char* kStyle =
    ":root{--bg:#fff;--fg:#16191d;--dim:#5b6570;--line:#d5dae0;--heap:#1f5fbf;--resident:#7a4fb5;--cpu:#1a7f37;"
    "--s0:#1f5fbf;--s1:#b5651d;--s2:#1a7f37;--s3:#9b2f6b;--s4:#5b6570;--s5:#8a7a00;color-scheme:light dark}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e8eaed;--dim:#9aa4af;--line:#343a42;--heap:#7db4ff;"
    "--resident:#c3a1f0;--cpu:#57ab5a;--s0:#7db4ff;--s1:#e0a060;--s2:#57ab5a;--s3:#e08ab8;--s4:#9aa4af;--s5:#d0c050}}"
    ".bg{fill:var(--bg)}text{fill:var(--fg);font:12px system-ui,sans-serif}.title{font-weight:600;font-size:16px}"
    ".panel{font-weight:600;font-size:13px}.dim{fill:var(--dim)}.end{text-anchor:end}.middle{text-anchor:middle}"
    ".grid{stroke:var(--line)}.axis{stroke:var(--dim)}.curve{fill:none;stroke-width:1.5;stroke-linejoin:round}"
    ".area{opacity:.18;stroke:none}.peak{stroke:var(--fg);stroke-dasharray:3 3}.dot{fill:var(--fg)}"
    ".heap{stroke:var(--heap);fill:var(--heap)}.resident{stroke:var(--resident);fill:var(--resident)}"
    ".cpu{stroke:var(--cpu);fill:var(--cpu)}.curve.heap,.curve.resident,.curve.cpu{fill:none}.span{opacity:.13}.key{"
    "opacity:.6}"
    ".s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}.s5{fill:var(--s5)"
    "}";

double x_of(const UsagePlot& plot, int64_t time_ns) {
  const auto length = static_cast<double>(std::max<int64_t>(plot.to_ns - plot.from_ns, 1));
  return kLeft + kInside * std::clamp(static_cast<double>(time_ns - plot.from_ns) / length, 0.0, 1.0);
}

std::string text_at(double x, double y, const char* style, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", style, x, y, xml_text(text));
}

std::string time_text(int64_t time_ns) { return format_duration(static_cast<uint64_t>(std::max<int64_t>(time_ns, 0))); }

// A curve of more points than can be told apart: in each part of it the mean, and of memory the greatest.
UsageCurve thinned(const UsagePlot& plot, const PlotPanel& panel) {
  if (panel.curve.size() <= kMostPoints) return panel.curve;
  UsageCurve thin;
  const int64_t length = std::max<int64_t>((plot.to_ns - plot.from_ns) / static_cast<int64_t>(kMostPoints), 1);
  for (int64_t begin = plot.from_ns; begin < plot.to_ns; begin += length) {
    const std::optional<double> value = panel.unit == PlotUnit::kBytes
                                            ? most_between(panel.curve, begin, begin + length)
                                            : mean_between(panel.curve, begin, begin + length);
    thin.push_back({begin, value.value_or(0), value.has_value()});
  }
  thin.push_back({plot.to_ns, 0, false});
  return thin;
}

// Steps, one piece for each stretch without a gap.
void append_curve(const UsagePlot& plot, const PlotPanel& panel, const PlotScale& scale, double bottom,
                  std::string& out) {
  const UsageCurve curve = thinned(plot, panel);
  const auto y_of = [&](double value) { return bottom - kPanel * std::clamp(value / scale.top, 0.0, 1.0); };
  std::string line, area, piece;
  double begin_x = 0, end_x = 0;
  const auto finish = [&] {
    if (piece.empty()) return;
    line += piece;
    area += fmt::format("M{:.1f} {:.1f}L{}L{:.1f} {:.1f}Z", begin_x, bottom, piece.substr(1), end_x, bottom);
    piece.clear();
  };
  for (size_t i = 0; i + 1 < curve.size(); ++i) {
    if (!curve[i].known || curve[i + 1].time_ns < plot.from_ns || curve[i].time_ns > plot.to_ns) {
      finish();
      continue;
    }
    const double x = x_of(plot, curve[i].time_ns), y = y_of(curve[i].value);
    if (piece.empty()) begin_x = x;
    end_x = x_of(plot, curve[i + 1].time_ns);
    piece += fmt::format("{}{:.1f} {:.1f}H{:.1f}", piece.empty() ? "M" : "L", x, y, end_x);
  }
  finish();
  out += fmt::format("<path class=\"area {0}\" d=\"{1}\"/>\n<path class=\"curve {0}\" d=\"{2}\"/>\n", panel.style, area,
                     line);
}

void append_peak(const UsagePlot& plot, const PlotPanel& panel, const PlotScale& scale, double bottom,
                 std::string& out) {
  if (!panel.peak) return;
  const double x = x_of(plot, panel.peak->time_ns);
  const double y = bottom - kPanel * static_cast<double>(panel.peak->bytes) / scale.top;
  const std::string label =
      fmt::format("peak {} at {}", format_bytes(panel.peak->bytes), time_text(panel.peak->time_ns));
  out += fmt::format(
      "<path class=\"peak\" d=\"M{0:.1f} {1:.1f}V{2:.1f}\"/><circle class=\"dot\" cx=\"{0:.1f}\" "
      "cy=\"{2:.1f}\" r=\"3\"/>\n",
      x, bottom, y);
  const bool left = x > kLeft + kInside / 2;
  out += text_at(left ? x - 7 : x + 7, std::max(y - 5, bottom - kPanel - 5), left ? "end" : "", label);
}

// At round times.
void append_times(const UsagePlot& plot, double bottom, std::string& out) {
  constexpr int64_t kTimes = 6;  // at most, and one
  const int64_t wanted = std::max<int64_t>((plot.to_ns - plot.from_ns) / kTimes, 1);
  int64_t step = 1;
  while (10 * step <= wanted) step *= 10;
  for (const int64_t factor : {1, 2, 5, 10}) {
    if (factor * step < wanted) continue;
    step *= factor;
    break;
  }
  for (int64_t time_ns = (plot.from_ns + step - 1) / step * step; time_ns <= plot.to_ns; time_ns += step) {
    const double x = x_of(plot, time_ns);
    out += fmt::format("<path class=\"axis\" d=\"M{0:.1f} {1:.1f}v5\"/>\n", x, bottom);
    out += text_at(x, bottom + 19,
                   x > kWidth - 3 * kRight ? "dim end"
                   : x > kLeft             ? "dim middle"
                                           : "dim",
                   time_text(time_ns));
  }
}

void append_panel(const UsagePlot& plot, const PlotPanel& panel, double top, std::string& out) {
  const double bottom = top + kPanel;
  double most = panel.peak ? static_cast<double>(panel.peak->bytes) : 0;
  most = std::max(most, most_between(panel.curve, plot.from_ns, plot.to_ns + 1).value_or(0));
  const PlotScale scale = scale_for(panel.unit, most);
  out += text_at(kLeft, top - 16, "panel", panel.title);
  for (int step = 0; step <= scale.steps; ++step) {
    const double y = bottom - kPanel * step / scale.steps;
    out += fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", step == 0 ? "axis" : "grid", kLeft, y,
                       kWidth - kRight);
    out +=
        text_at(kLeft - 8, y + 4, "dim end", step == 0 ? "0" : plot_value(panel.unit, scale.top * step / scale.steps));
  }
  append_curve(plot, panel, scale, bottom, out);
  append_peak(plot, panel, scale, bottom, out);
  append_times(plot, bottom, out);
}

// Spans of one name that follow each other within a pixel are one.
std::vector<UsageSpan> joined_spans(const UsagePlot& plot) {
  const auto pixel_ns = static_cast<int64_t>(static_cast<double>(plot.to_ns - plot.from_ns) / kInside);
  std::vector<UsageSpan> joined;
  std::map<std::string, size_t> last_of;
  for (const UsageSpan& span : plot.spans) {
    if (span.to_ns < plot.from_ns || span.from_ns > plot.to_ns) continue;
    const auto [last, is_first] = last_of.try_emplace(span.name, joined.size());
    if (!is_first && span.from_ns <= joined[last->second].to_ns + pixel_ns) {
      joined[last->second].to_ns = std::max(joined[last->second].to_ns, span.to_ns);
    } else {
      last->second = joined.size();
      joined.push_back(span);
    }
  }
  return joined;
}

// Shaded behind the panels, and their names above them, as many as there is room for.
void append_spans(const UsagePlot& plot, double bottom, std::string& out) {
  std::map<std::string, size_t> shade_of;
  double legend = kLeft;
  size_t unnamed = 0;
  for (const UsageSpan& span : joined_spans(plot)) {
    const auto [shade, is_first] = shade_of.try_emplace(span.name, shade_of.size() % kShades);
    const double begin = x_of(plot, span.from_ns), end = x_of(plot, span.to_ns);
    out += fmt::format(
        "<rect class=\"span s{}\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{:.1f}\">"
        "<title>{}: {} to {}</title></rect>\n",
        shade->second, begin, kTop, std::max(end - begin, 1.0), bottom - kTop, xml_text(span.name),
        time_text(span.from_ns), time_text(span.to_ns));
    const std::string name = shorten_end(printable(span.name), 40);
    const double width = 30 + 7 * static_cast<double>(columns_of(name));
    if (is_first && legend + width > kWidth - kRight - 80) {
      ++unnamed;
    } else if (is_first) {
      out += fmt::format("<rect class=\"key s{}\" x=\"{:.1f}\" y=\"39\" width=\"10\" height=\"10\"/>\n", shade->second,
                         legend);
      out += text_at(legend + 15, 48, "dim", name);
      legend += width;
    }
  }
  if (unnamed > 0) out += text_at(legend, 48, "dim", fmt::format("and {} more", unnamed));
}

}  // namespace

std::string usage_plot_svg(const UsagePlot& plot) {
  const double height = kTop + static_cast<double>(plot.panels.size()) * (kPanel + kBetween) + 10;
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
      "height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\" aria-labelledby=\"title\">\n<title id=\"title\">{2} over time - "
      "flarestack</title>\n<style>{3}</style>\n<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n",
      kWidth, height, xml_text(plot.title.empty() ? "usage" : plot.title), kStyle);
  out += text_at(24, 28, "title", shorten_end(printable(plot.title), 110));
  if (!plot.subtitle.empty()) out += text_at(kWidth - kRight, 28, "dim end", plot.subtitle);
  append_spans(plot, height - 30, out);
  double top = kTop + 22;
  for (const PlotPanel& panel : plot.panels) {
    append_panel(plot, panel, top, out);
    top += kPanel + kBetween;
  }
  return out + "</svg>\n";
}

}  // namespace flarestack
