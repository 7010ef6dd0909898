// SPDX-License-Identifier: Apache-2.0
// How `bench` runs commands: warm-ups, runs of all commands in turn, and one recorded run of each. Recorder side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/benchmark.h"
#include "profiler/recorder.h"
#include "profiler/timed_run.h"
#include "tools/command_line.h"
#include "tools/progress.h"

namespace flarestack {

struct BenchPlan {
  std::vector<PlannedCommand> commands;
  uint32_t runs = 0;  // of each; 0: at least ten, and for at least three seconds, by its first run
  uint32_t warmups = 0;
  std::vector<std::string> prepare;  // lines for the shell before each run: none, one for all, or one for each command
  std::string shell;
  CommandOutput output = CommandOutput::kDiscarded;
  bool ignore_failure = false;
};

// Runs them bare. The commands take turns, each as often as is its share, so that what changes about the machine
// meanwhile meets all of them. To be called under an InterruptGuard: what was measured until an interrupt is the
// result. Error: a command cannot be run, or fails, and that is not to be ignored.
Result<Benchmark> measure_commands(const BenchPlan& plan, Progress& progress);

// Records each command that was measured once more, as `options` say but for the command and the output, which is
// FOLDER/NUMBER-PROGRAM.flare; and says what in the recordings makes the difference to the fastest. What cannot be
// recorded is a note.
void record_commands(const BenchPlan& plan, const RecordOptions& options, const std::string& folder, Progress& progress,
                     Benchmark& benchmark);

}  // namespace flarestack
