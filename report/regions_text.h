// SPDX-License-Identifier: Apache-2.0
// Regions that the program named, its counters and pools, as text for people. Offline side.
#pragma once

#include <string>

#include "model/regions.h"
#include "report/text_style.h"

namespace flarestack {

// Tables with a title each; empty: the recording has none.
std::string regions_text(const Profile& profile, const TextLayout& layout);
// "12 regions, 3 counters, 1 pool"; empty: none.
std::string regions_phrase(const Recording& recording);

}  // namespace flarestack
