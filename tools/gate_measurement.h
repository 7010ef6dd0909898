// SPDX-License-Identifier: Apache-2.0
// Measures a step of the gate: its command bare, several times, and once recorded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/run_record.h"
#include "tools/gate_config.h"

namespace flarestack {

struct StepMeasurement {
  // Wall and CPU time of each bare run; and of the one that was recorded the heap, the leaks and where all cost lies.
  RunRecord whole;
  // The step's regions, in their order: times of as many more runs, recorded without the heap; the rest as of the
  // whole. What the program did not name has no metrics.
  std::vector<RunRecord> regions;
};

// `recordings`: where the trace is kept; empty: it is not. Error: a run failed, or could not be started.
Result<StepMeasurement> measure_step(const GateStep& step, const std::string& recordings);

// So many more runs, added to what was measured: bare ones, or those for the regions.
enum class MeasuredRuns : uint8_t { kWhole, kRegions };
Result<void> measure_again(const GateStep& step, MeasuredRuns runs, StepMeasurement& measurement);

}  // namespace flarestack
