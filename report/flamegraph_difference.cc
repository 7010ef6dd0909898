// SPDX-License-Identifier: Apache-2.0
#include "report/flamegraph_difference.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace flarestack {
namespace {

struct Values {
  double base, newer;
};

Values values_of(const FlameNode& node) {
  const auto base = static_cast<double>(node.total_count);
  return {base, std::max(0.0, static_cast<double>(node.total) - base)};
}

// The kernel's time without a stack, and the like: a difference of two clocks, which is taken for one sample.
bool is_one_sample(FrameType type) { return type == FrameType::kKernel || type == FrameType::kMarker; }

}  // namespace

int FlameDifference::step_of(const FlameNode& node) const {
  const auto [base, newer] = values_of(node);
  const double change = newer - base;
  if (change == 0 || std::abs(change) < least) return 0;
  double strength = kSteps * std::abs(change) / std::max(base, newer);
  if (base_weight + newer_weight > 0) {
    const bool one = is_one_sample(node.type);
    const double w = one ? (base > 0 ? base : newer) : base_weight;
    const double v = one ? (newer > 0 ? newer : base) : newer_weight;
    const double common = (base / w + newer / v) / (1 / w + 1 / v);
    const double sigma = std::sqrt(common * (w + v) * (equal_totals ? std::max(0.0, 1 - common / whole) : 1));
    const double clear = std::abs(change) - (w + v) / 2;  // half a sample of either, as ChangeTest
    if (clear <= 0 || clear < sigmas * sigma) return 0;
    strength = 2 * std::log2(std::abs(change) / sigma);
  }
  const int step = std::clamp(static_cast<int>(std::lround(strength)), 2, kSteps);
  return change > 0 ? step : -step;
}

std::string FlameDifference::frame_class(const FlameNode& node) const {
  const int step = step_of(node);
  if (values_of(node).newer == 0) return step == 0 ? "gone faint" : "gone";
  return step == 0 ? "even" : fmt::format("{}{}", step > 0 ? "up" : "down", std::abs(step));
}

const char* FlameDifference::mark_of(const FlameNode& node) const {
  if (step_of(node) == 0) return "";
  const auto [base, newer] = values_of(node);
  return base == 0 ? "+ " : newer == 0 ? "- " : "";
}

std::vector<std::pair<std::string, std::string>> FlameDifference::legend() const {
  return {{"more", "up7"}, {"less", "down7"}, {"+ new", "up8"}, {"- gone", "gone"}, {"within the noise", "even"}};
}

std::string FlameDifference::style_sheet(std::string (*hex_colour)(int, int, int)) const {
  const auto rules = [&](const std::string& prefix, bool dark) {
    std::string css;
    for (int step = -kSteps; step <= kSteps; ++step) {
      const double part = std::abs(step) / static_cast<double>(kSteps);
      const int hue = step == 0 ? 220 : step > 0 ? 6 : 214;
      const auto round = [](double value) { return static_cast<int>(std::lround(value)); };
      const std::string colour = dark ? hex_colour(hue, round(6 + 54 * part), round(28 + 8 * part))
                                      : hex_colour(hue, round(8 + 78 * part), round(90 - 24 * part));
      const std::string name =
          step == 0 ? "even," + prefix + ".gb" : fmt::format("{}{}", step > 0 ? "up" : "down", std::abs(step));
      css += fmt::format("{}.{}{{color:{}}}", prefix, name, colour);
    }
    return css;
  };
  return rules("", false) + "@media(prefers-color-scheme:dark){" + rules(":root:not([data-theme=light]) ", true) + "}" +
         rules(":root[data-theme=dark] ", true) +
         "rect.gone{fill:url(#gone)}rect.gone.faint{fill:url(#gone-faint)}"
         "#picture path.gone{stroke:url(#gone)}#picture path.gone.faint{stroke:url(#gone-faint)}";
}

std::string FlameDifference::patterns() {
  const auto pattern = [](const char* id, const char* stripe) {
    return fmt::format(
        "<pattern id=\"{}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
        "<rect class=\"even\" width=\"8\" height=\"8\"/><rect class=\"{}\" width=\"4\" height=\"8\"/></pattern>",
        id, stripe);
  };
  return "<defs>" + pattern("gone", "down6") + pattern("gone-faint", "down1") + "</defs>\n";
}

}  // namespace flarestack
