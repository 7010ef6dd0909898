// SPDX-License-Identifier: Apache-2.0
// The steps of an attach, and what the recorder does in between: it answers the agent, and plans its hooks while no
// thread of the process waits for that. Recorder side.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "profiler/attacher.h"
#include "profiler/process_table.h"

namespace flarestack {

// `processes` expects the process. `lost_recorder`: it was recorded by one that was killed. Error: one sentence; the
// process goes on as before.
Result<AttachPauses> enter_attached(Attacher& attacher, ProcessTable& processes, int32_t pid, bool lost_recorder);

}  // namespace flarestack
