// SPDX-License-Identifier: Apache-2.0
// Whether a thread that is stopped can work for us. Recorder side.
#pragma once

#include <cstdint>
#include <string>

#include "profiler/process_maps.h"
#include "profiler/remote_frame.h"
#include "profiler/traced_thread.h"

namespace flarestack {

struct Unfitness {
  std::string why;           // one sentence; empty: it is fit
  bool is_for_good = false;  // no thread will do, and not later either
};

// Suspends the thread's seccomp filter, if it has one.
Unfitness unfitness(TracedThread& thread, int32_t pid, const user_regs_struct& registers, const ReadMemory& read);

}  // namespace flarestack
