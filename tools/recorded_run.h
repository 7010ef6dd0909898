// SPDX-License-Identifier: Apache-2.0
// recorded_run(): a command recorded as `record` does it, but with nothing on our standard streams: one more run of a
// command that was measured bare. Recorder side.
#pragma once

#include "base/result.h"
#include "profiler/recorder.h"

namespace flarestack {

// The recorder is a process of its own, whose memory and signals are not ours; `options` needs an output path. An
// interrupt under an InterruptGuard ends the command. Error: as record().
Result<RecordOutcome> recorded_run(const RecordOptions& options);

}  // namespace flarestack
