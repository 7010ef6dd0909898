// SPDX-License-Identifier: Apache-2.0
// `flarestack leaks` as text for people: what leaks, where it was allocated, who holds the rest. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/heap_growth.h"
#include "model/leaks.h"
#include "report/text_style.h"

namespace flarestack {

struct LeakReportOptions {
  uint8_t shown = 0x07;  // bit: LeakVerdict, whose sites are listed
  size_t top = 0;        // at most so many sites, growing paths and paths without a verdict; 0: all
  TextLayout layout;     // of the text format
};

// `suppressions`: those that made `leaks`.
std::string leaks_text(const Profile& profile, const Leaks& leaks, const HeapGrowth& growth,
                       const Suppressions& suppressions, const LeakReportOptions& options);

}  // namespace flarestack
