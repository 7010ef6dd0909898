// SPDX-License-Identifier: Apache-2.0
// A flame graph as plain SVG elements: what is seen where no script runs. One <path> for all frames of one colour, a
// <text> for each frame wide enough, so that the picture takes little beside the data. Offline side.
#pragma once

#include <string>

#include "report/flamegraph_graph.h"
#include "report/flamegraph_palette.h"
#include "report/flamegraph_svg.h"

namespace flarestack {

struct FlamePicture {
  std::string elements;
  int width = 0;
  int height = 0;
};

FlamePicture flamegraph_picture(const Profile& profile, const FlameGraph& graph, const FlamePalette& palette,
                                const FlamegraphOptions& options);

}  // namespace flarestack
