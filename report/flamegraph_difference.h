// SPDX-License-Identifier: Apache-2.0
// What a flame graph is told when it shows how two recordings differ: which frame's change is painted, and how. A
// node's values are those of both sides together, its counts (FlameNode) what the base has of them. Red is more, blue
// is less, the further from chance the stronger, as on the page of two recordings (report/web/view/flame_inks.js); what
// may be chance is grey; what is gone is hatched, what is new has a plus before its name. The script of the graph
// decides by the same numbers (report/web/flamegraph/15_difference.js). Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "report/flamegraph_graph.h"

namespace flarestack {

struct FlameDifference {
  static constexpr int kSteps = 8;

  double base_weight = 0;  // what a sample stands for; 0: values are exact
  double newer_weight = 0;
  double sigmas = 0;  // a change that is so far from none is no chance
  double least = 0;   // and not painted below this
  double whole = 0;   // the greater of both totals
  bool equal_totals = false;
  std::string summary;             // below the title
  std::vector<std::string> notes;  // "base: before.flare"

  // How red or, below zero, blue: -kSteps to kSteps.
  int step_of(const FlameNode& node) const;
  std::string frame_class(const FlameNode& node) const;
  // "+ " before what is new, "- " before what is gone, if that is no chance.
  const char* mark_of(const FlameNode& node) const;
  std::vector<std::pair<std::string, std::string>> legend() const;  // text, class
  std::string style_sheet(std::string (*hex_colour)(int hue, int saturation_percent, int lightness_percent)) const;
  static std::string patterns();  // that the classes refer to
};

}  // namespace flarestack
