// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format heaptrack`: a heap recording as heaptrack_print writes one: the places that cost most
// with their backtraces, and the totals, in the same words and decimal units. Offline side.
//
// What is different: totals are in bytes as well. Temporary allocations are counted as everywhere in flarestack. What
// is leaked is definitely or indirectly lost by a leak check's verdict; without a leak check, what is live at the end,
// as heaptrack has it.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

// `profile` is of Metric::kLeaked, which knows all of them.
std::string heaptrack_text(const Profile& profile);

}  // namespace flarestack
