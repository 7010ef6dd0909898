// SPDX-License-Identifier: Apache-2.0
// What of a LiveView no trace has, but the kernel tells at the moment: resident memory, and the states of threads.
#pragma once

#include "model/live_view.h"

namespace flarestack {

// Threads that have ended stay in the view only as long as they did something lately.
void add_live_facts(LiveView& view);

}  // namespace flarestack
