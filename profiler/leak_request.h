// SPDX-License-Identifier: Apache-2.0
// Asks the recorder of a running process to look for leaks in it now. Of another flarestack process.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace flarestack {

struct LeakCheckDone {
  std::string trace_path;  // of the trace that the recorder writes, with the verdicts in it
  uint32_t number = 0;     // LeakCheckRecord::number
};

// Blocks until it is done, at most a minute. Error: nobody records the process, or not its heap, allocation by
// allocation; or it may not be asked.
Result<LeakCheckDone> ask_for_leak_check(int32_t pid);

}  // namespace flarestack
