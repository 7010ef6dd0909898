// SPDX-License-Identifier: Apache-2.0
// Whether a thread that is stopped can work for us. Recorder side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "profiler/process_maps.h"
#include "profiler/remote_frame.h"
#include "profiler/traced_thread.h"

namespace flarestack {

struct Unfitness {
  std::string why;             // one sentence; empty: it is fit
  bool is_for_good = false;    // no thread will do, and not later either
  bool filters_calls = false;  // by seccomp, which is suspended
  bool in_sequence = false;    // that can be restarted: another moment will do
};

// Suspends the thread's seccomp filter, if it has one.
Unfitness unfitness(TracedThread& thread, int32_t pid, const user_regs_struct& registers, const ReadMemory& read);

// Does with a thread that is in a restartable sequence what the kernel is about to do with it, as with any that was
// taken off its processor there: has it go on at the sequence's abort handler. False: it is in none, or in one that the
// kernel would not abort either; nothing is changed.
using WriteMemory = std::function<bool(uint64_t address, const void* bytes, size_t size_bytes)>;
bool abort_sequence(TracedThread& thread, user_regs_struct& registers, const ReadMemory& read,
                    const WriteMemory& write);

}  // namespace flarestack
