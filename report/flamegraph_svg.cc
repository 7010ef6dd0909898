// SPDX-License-Identifier: Apache-2.0
#include "report/flamegraph_svg.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/function_table.h"
#include "report/flamegraph_data.h"
#include "report/flamegraph_graph.h"
#include "report/flamegraph_palette.h"
#include "report/flamegraph_picture.h"
#include "report/metric_words.h"
#include "report/text_style.h"
#include "report/web_assets.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

// The picture in words, for who cannot see it.
std::string description(const Profile& profile) {
  constexpr size_t kMentioned = 10;
  const Metric metric = profile.options.metric;
  std::string text = fmt::format("Flame graph of {}.", value_phrase(metric, profile.total()));
  const char* most = is_heap_metric(metric) ? " Most is of" : " Most time was spent in";
  const std::vector<FunctionRow> rows = function_rows(profile, 0.01);
  for (size_t i = 0; i < std::min(rows.size(), kMentioned) && rows[i].self != 0; ++i) {
    text += fmt::format("{} {} {}", i == 0 ? most : ",", profile.functions[rows[i].function].name,
                        format_percent(rows[i].self, profile.total()));
  }
  return text;
}

}  // namespace

std::string flamegraph_svg(const Profile& profile, const FlamegraphOptions& options) {
  const FlameGraph graph = make_flame_graph(profile);
  const FlameDifference* difference = options.difference;
  const FlamePalette palette =
      difference != nullptr ? FlamePalette(profile, *difference) : FlamePalette(profile, graph);
  const FlamePicture picture = flamegraph_picture(profile, graph, palette, options);
  const std::string title = options.title.empty() ? command_line(profile.recording.session.command) : options.title;

  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "aria-labelledby=\"title description\">\n",
      picture.width, picture.height);
  out += fmt::format("<title id=\"title\">{} - flarestack</title>\n", xml_text(title));
  out += fmt::format("<desc id=\"description\">{}</desc>\n",
                     xml_text(difference != nullptr ? difference->summary : description(profile)));
  out += "<style>" + std::string(web_assets::kFlamegraphStyle) + palette.style_sheet() + "</style>\n";
  if (difference != nullptr) out += FlameDifference::patterns();
  out += "<rect class=\"background\" width=\"100%\" height=\"100%\"/>\n";
  out += "<g id=\"picture\">\n" + picture.elements + "</g>\n";
  out += "<script type=\"application/json\" id=\"data\">" +
         json_in_xml(flamegraph_data(profile, graph, palette, options)) + "</script>\n";
  out += "<script><![CDATA[\n" + std::string(web_assets::kFlamegraphScript) + "]]></script>\n</svg>\n";
  return out;
}

}  // namespace flarestack
