// SPDX-License-Identifier: Apache-2.0
// Which records of leak checks count: those of the last check of each process. Offline side.
#pragma once

#include <cstdint>
#include <vector>

#include "model/recording.h"
#include "model/selection.h"

namespace flarestack {

// By process of the recording: the index in Recording::leak_checks of its check with the highest number, or kNoIndex.
std::vector<uint32_t> last_leak_checks(const Recording& recording);

// Indexes of Recording::leaks: of these checks, in the chosen processes, allocated by the chosen threads.
// The blocks that a child inherited are of the child's choice alone, a thread of its parent having allocated them.
std::vector<uint32_t> chosen_leaks(const Recording& recording, const Selection& selection);

// What a leak may count as a leak of its process: definitely or indirectly lost, and its own.
inline bool is_lost(const LeakRecord& leak) {
  return !leak.inherited &&
         (leak.verdict == LeakVerdict::kDefinitelyLost || leak.verdict == LeakVerdict::kIndirectlyLost);
}

}  // namespace flarestack
