// SPDX-License-Identifier: Apache-2.0
// A scaling study as a picture: costs against sizes, both axes logarithmic, so that a power is a straight line. CPU
// time where it was recorded, else allocated bytes. Offline side.
#pragma once

#include <string>

#include "model/scaling_study.h"
#include "report/text_style.h"

namespace flarestack {

std::string scale_plot_text(const ScalingStudy& study, const TextLayout& layout);
std::string scale_plot_svg(const ScalingStudy& study);

}  // namespace flarestack
