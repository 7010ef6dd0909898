// SPDX-License-Identifier: Apache-2.0
// What `record` prints at its end: ten lines. Offline side.
#pragma once

#include <string>

#include "model/profile.h"
#include "report/text_style.h"

namespace flarestack {

// How long, how many samples, the hottest functions, the heap, what was lost, and where the trace is. `heap` is a
// profile of the same trace by a heap metric, for the best advice; null: without it.
std::string summary_text(const Profile& profile, const Profile* heap, const std::string& trace_path,
                         const TextLayout& layout);

}  // namespace flarestack
