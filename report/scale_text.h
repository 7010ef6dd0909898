// SPDX-License-Identifier: Apache-2.0
// A scaling study as text for a terminal. Offline side.
#pragma once

#include <cstddef>
#include <string>

#include "model/scaling_study.h"
#include "report/text_style.h"

namespace flarestack {

struct ScaleTextOptions {
  TextLayout layout;
  size_t top = 10;  // functions and sites, besides those that grow worse than the whole; 0: all
};

std::string scale_text(const ScalingStudy& study, const ScaleTextOptions& options);

// "n log n (97%)", "n or n log n", "too few samples": what was found.
std::string law_phrase(const ScalingFit& fit);
// 16, 1e+06, 0.5: as short as it can be.
std::string size_text(double size);

}  // namespace flarestack
