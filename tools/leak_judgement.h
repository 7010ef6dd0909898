// SPDX-License-Identifier: Apache-2.0
// What `leaks` and `record --leaks` share: suppression files, and the leaks of a trace with the report about them.
// Offline side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/suppressions.h"
#include "report/text_style.h"

namespace flarestack {

// Reads the files, and behind them the built-in list, into `suppressions`. Gives the exit status with which to end at
// once, its one line printed: kExitUsage for a mistake in a file, kExitFailed for a file that cannot be read.
std::optional<int> read_suppressions(const std::vector<std::string>& files, bool builtin, Suppressions& suppressions);

struct LeakJudgement {
  std::string text;  // the report
  uint64_t lost_bytes = 0;
  uint64_t lost_blocks = 0;  // definitely or indirectly, not suppressed
};
// The report with the defaults of `leaks`. Error: the trace cannot be read, or has no heap.
Result<LeakJudgement> judge_leaks(const std::string& trace, const Suppressions& suppressions, const TextLayout& layout);

// What a process may use, where nobody says: the memory of this machine, if the recording is of it; else 0.
uint64_t memory_of_machine(const std::string& recorded_host);

}  // namespace flarestack
