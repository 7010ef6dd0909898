// SPDX-License-Identifier: Apache-2.0
#include "report/flamegraph_picture.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "report/metric_words.h"
#include "report/text_style.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

constexpr int kWidth = 1200;
constexpr int kMargin = 10;
constexpr int kRow = 18;
constexpr int kHead = 84;
constexpr int kFoot = 34;
constexpr uint32_t kMostRows = 150;  // a deeper picture is a page, and a page has the script
constexpr double kCharacter = 7.25;  // width, of 12 px monospace

std::string head(const Profile& profile, const FlamePalette& palette, const FlamegraphOptions& options) {
  const std::string command = command_line(profile.recording.session.command);
  std::string out = fmt::format("<text class=\"title\" x=\"{}\" y=\"26\">{}</text>", kMargin,
                                xml_text(shorten_end(printable(options.title.empty() ? command : options.title), 120)));
  uint64_t samples = 0;
  for (const ProfileSample& sample : profile.samples) samples += sample.count;
  const Metric metric = profile.options.metric;
  std::string line = value_phrase(metric, profile.total());
  const bool counts_known = samples != 0 || !profile.recording.is_imported();
  if (counts_known && (!is_heap_metric(metric) || is_bytes_metric(metric)))
    line += ", " + counted_phrase(metric, samples);
  const std::string filters = describe_filters(profile.options);
  if (!filters.empty()) line += "; only: " + filters;
  if (!profile.quality.complete) line += "; the trace is damaged";
  if (options.difference != nullptr) line = options.difference->summary;
  out += fmt::format("<text class=\"dim\" x=\"{}\" y=\"46\">{}</text>", kMargin, xml_text(shorten_middle(line, 150)));
  double x = kMargin;
  for (const LegendEntry& entry : palette.legend()) {
    const std::string name = shorten_middle(printable(entry.name), 24);
    const double width = 18 + kCharacter * static_cast<double>(columns_of(name)) + 14;
    if (x + width > kWidth - kMargin) break;
    out += fmt::format("<rect class=\"{}\" x=\"{:.0f}\" y=\"58\" width=\"12\" height=\"12\" rx=\"2\"/>",
                       entry.colour_class, x);
    out += fmt::format("<text class=\"dim\" x=\"{:.0f}\" y=\"68\">{}</text>", x + 18, xml_text(name));
    x += width;
  }
  return out + "\n";
}

struct Place {
  double x = 0;
  double next_x = 0;  // of its next child
  uint32_t depth = 0;
  bool drawn = false;
};

// Children lie in their parent from left to right, heaviest first: the order of the nodes, but for what was left out.
std::vector<Place> lay_out(const FlameGraph& graph, double pixels_per_unit) {
  std::vector<std::vector<uint32_t>> children(graph.nodes.size());
  for (uint32_t i = 1; i < graph.nodes.size(); ++i) children[graph.nodes[i].parent].push_back(i);
  std::vector<Place> places(graph.nodes.size());
  places[0] = {kMargin, kMargin, 0, true};
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    // Parents come first, so that this node's own place is final here.
    std::stable_sort(children[i].begin(), children[i].end(), [&graph](uint32_t a, uint32_t b) {
      const bool a_named = graph.nodes[a].function != kNoIndex;
      const bool b_named = graph.nodes[b].function != kNoIndex;
      return a_named != b_named ? a_named : graph.nodes[a].total > graph.nodes[b].total;
    });
    double x = places[i].x;
    for (const uint32_t child : children[i]) {
      const double width = static_cast<double>(graph.nodes[child].total) * pixels_per_unit;
      const uint32_t depth = places[i].depth + 1;
      places[child] = {x, x, depth, places[i].drawn && width >= 1 && depth < kMostRows};
      x += width;
    }
  }
  return places;
}

}  // namespace

FlamePicture flamegraph_picture(const Profile& profile, const FlameGraph& given, const FlamePalette& palette,
                                const FlamegraphOptions& options) {
  const FlameGraph graph = options.form == FlamegraphForm::kInverted ? inverted(given) : given;
  const double pixels_per_unit =
      graph.nodes[0].total == 0 ? 0 : (kWidth - 2.0 * kMargin) / static_cast<double>(graph.nodes[0].total);
  const std::vector<Place> places = lay_out(graph, pixels_per_unit);
  uint32_t deepest = 0;
  for (const Place& place : places) deepest = place.drawn ? std::max(deepest, place.depth) : deepest;

  FlamePicture picture;
  picture.width = kWidth;
  picture.height = kHead + static_cast<int>(deepest + 1) * kRow + kFoot;
  std::map<std::string, std::string> path_of;  // by colour class
  std::string labels;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const FlameNode& node = graph.nodes[i];
    if (!places[i].drawn) continue;
    const double width = static_cast<double>(node.total) * pixels_per_unit;
    const uint32_t row = options.form == FlamegraphForm::kFlame ? deepest - places[i].depth : places[i].depth;
    const int y = kHead + static_cast<int>(row) * kRow;
    const std::string colour = i == 0 ? "gb" : palette.frame_class(node);
    // A line as thick as a row takes half the bytes of a rectangle.
    path_of[colour] += fmt::format("M{:.1f} {}h{:.1f}", places[i].x, y + kRow / 2, width - 0.5);
    const auto room = static_cast<size_t>(std::max(0.0, (width - 7) / kCharacter));
    if (room < 5 || (i != 0 && node.function == kNoIndex)) continue;
    const std::string mark = options.difference != nullptr && i != 0 ? options.difference->mark_of(node) : "";
    const std::string name = i != 0 ? mark + short_function(profile.functions[node.function].name, room - mark.size())
                             : options.difference != nullptr
                                 ? "all"
                                 : "all: " + format_value(profile.options.metric, profile.total());
    labels += fmt::format("<text x=\"{:.1f}\" y=\"{}\">{}</text>", places[i].x + 4, y + 13, xml_text(name));
  }
  picture.elements = head(profile, palette, options);
  for (const auto& [colour, path] : path_of)
    picture.elements += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", colour, path);
  picture.elements += "<g class=\"label\">" + labels + "</g>\n";
  std::string foot = graph.left_out == 0
                         ? ""
                         : fmt::format("{} frames narrower than a pixel are left out. ", format_count(graph.left_out));
  foot += "Open this file in a browser to zoom, search and filter.";
  picture.elements +=
      fmt::format("<text class=\"dim\" x=\"{}\" y=\"{}\">{}</text>", kMargin, picture.height - 12, foot);
  return picture;
}

}  // namespace flarestack
