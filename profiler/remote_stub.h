// SPDX-License-Identifier: Apache-2.0
// RemoteStub: the page of code that a thread works in for us. Each way through it ends in rt_sigreturn, with the stack
// pointer behind a signal frame. Recorder side; x86-64.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "profiler/thread_priority.h"

namespace flarestack {

struct RemoteStub {
  std::vector<uint8_t> bytes;
  // Offsets:
  uint64_t system_call = 0;  // makes one, and goes on to
  uint64_t leave = 0;        // gives the thread its priority back and returns to what it was doing
  // Where a function returns to: keeps rax below its return address, clears that as a sign, waits a while for whoever
  // looks for it, then leaves. In between no system call: the thread's own goes on afterwards.
  uint64_t function_left = 0;
};

// The wait that the thread was in, which the kernel itself goes on with (restart_syscall): made again from its
// beginning it would be longer, and where it goes on for the second time its number is no longer known.
struct RemoteWait {
  uint64_t signal_mask = 0;  // during it
  uint64_t behind = 0;       // where the program goes on when it is over
};

// `before`: how the thread is to be scheduled when it leaves; none: as it is.
RemoteStub make_remote_stub(const std::optional<RaisedPriority::Before>& before, const std::optional<RemoteWait>& wait);

}  // namespace flarestack
