// SPDX-License-Identifier: Apache-2.0
// What `record` prints at its end: ten lines. Offline side.
#pragma once

#include <string>

#include "model/profile.h"
#include "model/suppressions.h"
#include "report/text_style.h"

namespace flarestack {

struct SummaryOptions {
  TextLayout layout;
  const Suppressions* suppressions = nullptr;  // of leaks; null: the built-in list
};

// How long, how many samples, the hottest functions, the heap, what was lost, and where the trace is. `heap` is a
// profile of the same trace by a heap metric, for the best advice; null: without it.
std::string summary_text(const Profile& profile, const Profile* heap, const std::string& trace_path,
                         const SummaryOptions& options);

}  // namespace flarestack
