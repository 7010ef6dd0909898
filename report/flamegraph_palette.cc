// SPDX-License-Identifier: Apache-2.0
#include "report/flamegraph_palette.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace flarestack {
namespace {

// Degrees. Orange-red is the kernel's and green is JIT code's; the others are far enough apart to be told from each
// other, most different first.
constexpr std::array<int, 9> kModuleHues{212, 42, 282, 182, 326, 240, 62, 300, 198};
constexpr int kKernelHue = 10;
constexpr int kJitHue = 128;
constexpr size_t kShades = 3;  // a, b and c, so that neighbours of one module differ

struct Theme {
  int saturation, lightness, shade_step, inlined_lightness;
};
constexpr Theme kLight{72, 74, 4, 12};
constexpr Theme kDark{38, 33, 4, -10};

std::string hex_colour(int hue, int saturation_percent, int lightness_percent) {
  const double saturation = saturation_percent / 100.0;
  const double lightness = lightness_percent / 100.0;
  const double reach = saturation * std::min(lightness, 1 - lightness);
  const auto channel = [&](int n) {  // CSS Color Module 4, section 7.1
    const double k = std::fmod(n + hue / 30.0, 12.0);
    return static_cast<int>(std::lround(255 * (lightness - reach * std::max(-1.0, std::min({k - 3, 9 - k, 1.0})))));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", channel(0), channel(8), channel(4));
}

struct Hue {
  int degrees, more_saturation;
};

// Of a class without its shade: "m3", "k", ...
Hue hue_of(std::string_view name) {
  switch (name[0]) {
    case 'm':
      return {kModuleHues[static_cast<size_t>(name[1] - '0')], 0};
    case 'k':
      return {kKernelHue, 10};
    case 'j':
      return {kJitHue, -18};
    case 'p':
      return {220, -54};  // processes
    case 'u':
      return {30, -60};  // code of no module
    default:
      return {220, -66};  // markers
  }
}

// The rule of one class, such as "m3b" or "m3b i".
std::string rule(const Theme& theme, const std::string& prefix, const std::string& name) {
  const size_t end = name.find(' ');
  const bool is_inlined = end != std::string::npos;
  const std::string base = name.substr(0, end);
  const Hue hue = hue_of(base);
  const int shade = base.back() - 'b';
  const int lightness = theme.lightness + shade * theme.shade_step + (is_inlined ? theme.inlined_lightness : 0);
  return fmt::format("{}.{}{}{{color:{}}}", prefix, base, is_inlined ? ".i" : "",
                     hex_colour(hue.degrees, std::max(4, theme.saturation + hue.more_saturation), lightness));
}

char shade_of(const std::string& name) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (const char each : name) hash = (hash ^ static_cast<unsigned char>(each)) * 16777619u;
  return static_cast<char>('a' + (hash >> 8) % kShades);
}

}  // namespace

FlamePalette::FlamePalette(const Profile& profile, const FlameGraph& graph)
    : class_of_function_(profile.functions.size()) {
  std::map<std::string, uint64_t> self_of_module;
  std::map<FrameType, uint64_t> self_of_type;
  for (const FlameNode& node : graph.nodes) {
    if (node.function == kNoIndex) continue;
    const Function& function = profile.functions[node.function];
    self_of_type[node.type] += node.self;
    if (node.type == FrameType::kNative || node.type == FrameType::kInlined)
      self_of_module[function.module] += node.self;
  }
  std::vector<std::pair<std::string, uint64_t>> modules(self_of_module.begin(), self_of_module.end());
  std::stable_sort(modules.begin(), modules.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::map<std::string, std::string> hue_of_module;
  for (size_t rank = 0; rank < modules.size(); ++rank) {
    const std::string& name = modules[rank].first;
    const std::string hue = name.empty() ? "u" : fmt::format("m{}", rank % kModuleHues.size());
    hue_of_module[name] = hue;
    if (rank < kModuleHues.size())
      legend_.push_back({name.empty() ? "[unknown]" : name, hue + "b", modules[rank].second});
  }

  for (const FlameNode& node : graph.nodes) {
    if (node.function == kNoIndex) continue;
    const Function& function = profile.functions[node.function];
    std::string hue = "g";
    switch (node.type) {
      case FrameType::kNative:
      case FrameType::kInlined:
        hue = hue_of_module[function.module];
        break;
      case FrameType::kKernel:
        hue = "k";
        break;
      case FrameType::kJit:
      case FrameType::kInterpreter:
        hue = "j";
        break;
      case FrameType::kMarker:
        hue = "g";
        break;
      case FrameType::kProcess:
        hue = "p";
        break;
    }
    class_of_function_[node.function] = hue + shade_of(function.name);
    used_.insert(frame_class(node));
  }
  for (const auto& [type, name, colour] : {std::tuple{FrameType::kInlined, "inlined (paler)", "m0b i"},
                                           {FrameType::kKernel, "kernel", "kb"},
                                           {FrameType::kJit, "JIT code", "jb"},
                                           {FrameType::kInterpreter, "interpreted", "jb"},
                                           {FrameType::kMarker, "marker", "gb"}}) {
    if (self_of_type.contains(type)) legend_.push_back({name, colour, self_of_type[type]});
  }
  for (const LegendEntry& entry : legend_) used_.insert(entry.colour_class);
  used_.insert("gb");  // the root
}

FlamePalette::FlamePalette(const Profile& profile, const FlameDifference& difference)
    : class_of_function_(profile.functions.size()), difference_(&difference) {
  for (const auto& [name, colour] : difference.legend()) legend_.push_back({name, colour, 0});
}

std::string FlamePalette::frame_class(const FlameNode& node) const {
  if (node.function == kNoIndex) return "x";
  if (difference_ != nullptr) return difference_->frame_class(node);
  return class_of_function_[node.function] + (node.type == FrameType::kInlined ? " i" : "");
}

std::string FlamePalette::style_sheet() const {
  if (difference_ != nullptr) return difference_->style_sheet(hex_colour);
  const auto rules = [this](const Theme& theme, const std::string& prefix) {
    std::string css;
    for (const std::string& name : used_) css += rule(theme, prefix, name);
    return css;
  };
  return rules(kLight, "") + "@media(prefers-color-scheme:dark){" + rules(kDark, ":root:not([data-theme=light]) ") +
         "}" + rules(kDark, ":root[data-theme=dark] ");
}

}  // namespace flarestack
