// SPDX-License-Identifier: Apache-2.0
#include "report/trend_svg.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/history_report.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

constexpr double kWidth = 420;
constexpr double kHeight = 150;
constexpr double kLeft = 62;  // for the numbers
constexpr double kRight = 8;
constexpr double kTop = 18;  // for the marks' words
constexpr double kBottom = 20;

struct Scale {
  double low = 0;
  double high = 1;
  size_t values = 1;
  double x(size_t i) const {
    const double width = kWidth - kLeft - kRight;
    return values < 2 ? kLeft + width / 2 : kLeft + width * static_cast<double>(i) / static_cast<double>(values - 1);
  }
  double y(double value) const { return kTop + (kHeight - kTop - kBottom) * (high - value) / (high - low); }
};

// From 0 where the values are not all far above it: a change of 1 % is not to look like one of all.
Scale scale_of(const std::vector<double>& values) {
  const auto [least, most] = std::ranges::minmax(values);
  Scale scale;
  scale.values = values.size();
  const double room = std::max((most - least) * 0.15, most * 0.02);
  scale.low = least - room <= most * 0.5 ? 0 : least - room;
  scale.high = most + (room > 0 ? room : 1);
  return scale;
}

void append_levels(const MetricSeries& series, const Scale& scale, std::string& out) {
  for (size_t i = 0; i < series.changes.size(); ++i) {
    const LevelChange& change = series.changes[i];
    const size_t begin = i == 0 ? 0 : series.changes[i - 1].at;
    const size_t end = i + 1 < series.changes.size() ? series.changes[i + 1].at : series.values.size();
    const auto level = [&](double value, size_t from, size_t to) {
      out += fmt::format("<line class=\"level\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                         scale.x(from), scale.y(value), scale.x(to), scale.y(value));
    };
    if (i == 0) level(change.before, begin, change.at - 1);
    level(change.after, change.at, end - 1);
  }
}

void append_marks(std::span<const HistoryEntry> entries, const MetricSeries& series, const Scale& scale,
                  std::string& out) {
  for (const LevelChange& change : series.changes) {
    const RunRecord& record = entries[series.entries[change.at]].record;
    const std::string_view direction = change.after > change.before ? "worse" : "better";
    const double x = (scale.x(change.at - 1) + scale.x(change.at)) / 2;
    const char* anchor = x > kWidth * 0.7 ? "end" : "start";
    out += fmt::format(
        "<line class=\"mark {}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n"
        "<text class=\"{}\" x=\"{:.1f}\" y=\"11\" text-anchor=\"{}\">{} {}</text>\n",
        direction, x, kTop - 4, x, kHeight - kBottom, direction, x, anchor, xml_text(change_text(change, series.unit)),
        xml_text(record.commit.substr(0, 10)));
  }
}

}  // namespace

std::string trend_svg(std::span<const HistoryEntry> entries, const MetricSeries& series) {
  const Scale scale = scale_of(series.values);
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{} over time\">\n", kWidth,
                                kHeight, xml_text(series.name));
  for (const double part : {0.0, 0.5, 1.0}) {
    const double value = scale.low + (scale.high - scale.low) * part;
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" y1=\"{1:.1f}\" x2=\"{2}\" y2=\"{1:.1f}\"/>\n"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        kLeft, scale.y(value), kWidth - kRight, kLeft - 6, scale.y(value) + 4, format_measure(value, series.unit));
  }
  const auto day = [&](size_t i) { return utc_text(entries[series.entries[i]].record.time_ns).substr(0, 10); };
  out += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", kLeft, kHeight - 4, day(0));
  if (series.values.size() > 1) {
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kWidth - kRight, kHeight - 4,
                       day(series.values.size() - 1));
  }
  append_levels(series, scale, out);
  std::string points;
  for (size_t i = 0; i < series.values.size(); ++i) {
    points += fmt::format("{}{:.1f},{:.1f}", i == 0 ? "" : " ", scale.x(i), scale.y(series.values[i]));
  }
  out += fmt::format("<polyline class=\"trend\" points=\"{}\"/>\n", points);
  for (size_t i = 0; i < series.values.size(); ++i) {
    const HistoryEntry& entry = entries[series.entries[i]];
    out += fmt::format(
        "<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"><title>{} at {}, {}, {}</title></circle>\n",
        scale.x(i), scale.y(series.values[i]), format_measure(series.values[i], series.unit),
        xml_text(entry.record.commit.empty() ? "no commit" : entry.record.commit.substr(0, 10)),
        utc_text(entry.record.time_ns), xml_text(entry.id.substr(0, 10)));
  }
  append_marks(entries, series, scale, out);
  return out + "</svg>\n";
}

}  // namespace flarestack
