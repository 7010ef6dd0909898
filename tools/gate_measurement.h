// SPDX-License-Identifier: Apache-2.0
// Measures a step of the gate: its command bare, several times, and once recorded.
#pragma once

#include <string>

#include "base/result.h"
#include "model/run_record.h"
#include "tools/gate_config.h"

namespace flarestack {

// What was measured: wall and CPU time of each run; and of the recorded one the heap, the leaks and where all cost
// lies. `recordings`: where the trace is kept; empty: it is not. Error: a run failed, or could not be started.
Result<RunRecord> measure_step(const GateStep& step, const std::string& recordings);

// So many more runs, added to those of the record.
Result<void> measure_again(const GateStep& step, RunRecord& record);

}  // namespace flarestack
