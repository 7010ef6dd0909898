// SPDX-License-Identifier: Apache-2.0
// A scaling study for scripts: schema flarestack.scale/1 (docs/scaling.md). Offline side.
#pragma once

#include <string>

#include "model/scaling_study.h"

namespace flarestack {

std::string scale_json(const ScalingStudy& study);

}  // namespace flarestack
