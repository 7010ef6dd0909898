// SPDX-License-Identifier: Apache-2.0
// As heap_text.h, in Markdown. Offline side.
#pragma once

#include <string>

#include "model/heap_summary.h"

namespace flarestack {

// Begins with an empty line; empty where there is nothing to say.
std::string heap_markdown(const Profile& profile, const HeapSummary& summary);

}  // namespace flarestack
