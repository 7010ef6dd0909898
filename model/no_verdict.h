// SPDX-License-Identifier: Apache-2.0
// Why the blocks of a process could not be judged. Offline side.
#pragma once

#include <optional>
#include <string>

#include "model/recording.h"

namespace flarestack {

// One sentence without a full stop, for a process whose heap was recorded; `check` is its last leak check, null: it had
// none. nullopt: there are verdicts, or nothing of its heap was recorded.
std::optional<std::string> no_verdict_reason(const Recording& recording, uint32_t process,
                                             const LeakCheckRecord* check);

}  // namespace flarestack
