// SPDX-License-Identifier: Apache-2.0
// FlamePalette: the colours of a flame graph, one hue for each of the heaviest modules, fixed ones for what is no
// module's code, each in a light and a dark theme. Colours are CSS classes; the picture and the script share them.
// Offline side.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "report/flamegraph_difference.h"
#include "report/flamegraph_graph.h"

namespace flarestack {

struct LegendEntry {
  std::string name;
  std::string colour_class;
  uint64_t self = 0;
};

class FlamePalette {
 public:
  FlamePalette(const Profile& profile, const FlameGraph& graph);
  // Of a difference: frames by their change. `difference` has to outlive it.
  FlamePalette(const Profile& profile, const FlameDifference& difference);

  // "m3b": hue 3 in its second shade; of the function when it is not inlined.
  const std::string& function_class(uint32_t function) const { return class_of_function_[function]; }
  // Of a frame: inlined ones are paler ("m3b i").
  std::string frame_class(const FlameNode& node) const;
  // The heaviest modules, then the kinds of frame that the graph has.
  const std::vector<LegendEntry>& legend() const { return legend_; }
  // Rules that give the classes in use their "color"; the dark ones apply in a dark environment and under
  // [data-theme=dark].
  std::string style_sheet() const;

 private:
  std::vector<std::string> class_of_function_;  // empty for functions without a frame
  std::vector<LegendEntry> legend_;
  std::set<std::string> used_;                   // classes, "m3b i" among them
  const FlameDifference* difference_ = nullptr;  // borrowed
};

}  // namespace flarestack
