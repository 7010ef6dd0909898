// SPDX-License-Identifier: Apache-2.0
// `flarestack plot`: memory and processors over time, as a picture or in the terminal. Offline side.
#pragma once

#include <string>
#include <vector>

#include "model/usage_curves.h"
#include "report/text_style.h"

namespace flarestack {

enum class PlotUnit : uint8_t { kBytes, kProcessors };

struct PlotPanel {
  std::string title;       // "Heap, live bytes"
  const char* style = "";  // "heap", "resident" or "cpu": its colour
  PlotUnit unit = PlotUnit::kBytes;
  UsageCurve curve;
  std::optional<UsagePeak> peak;  // to be marked
};

struct UsagePlot {
  std::string title;     // the command
  std::string subtitle;  // "over 2.00 s; only: --process game"; may be empty
  int64_t from_ns = 0;
  int64_t to_ns = 0;
  std::vector<PlotPanel> panels;
  std::vector<UsageSpan> spans;  // shaded, with their names
};

// The curves that are there, one below the other. `memory` or `time` may be null.
UsagePlot usage_plot(const Profile* memory, const Profile* time, std::vector<UsageSpan> spans);

std::string usage_plot_svg(const UsagePlot& plot);
// A panel is nine rows high and as wide as the layout.
std::string usage_plot_text(const UsagePlot& plot, const TextLayout& layout);

// A round number that is at least `most`, and how many equal steps, of round numbers as well, lead to it.
struct PlotScale {
  double top = 1;
  int steps = 1;
};
PlotScale scale_for(PlotUnit unit, double most);
std::string plot_value(PlotUnit unit, double value);  // "12 MiB", "1.5"

}  // namespace flarestack
