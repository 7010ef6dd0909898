// SPDX-License-Identifier: Apache-2.0
// What is told of a stopped thread to an agent that was not there when it started, and what is changed of it for the
// agent. Recorder side.
#pragma once

#include <cstdint>

#include "profiler/process_maps.h"
#include "profiler/stopped_process.h"
#include "unwind/registers.h"

namespace flarestack {

// Bounds of the stack that a thread is on. A thread's descriptor is at the top of its stack (glibc, musl), and so are
// its variables; the main thread's stack grows. 0, 0: unknown.
StackBounds stack_of(const ProcessMaps& maps, const StoppedProcess::ThreadState& thread, uint64_t main_stack_bytes);

// To which the main thread's stack may grow.
uint64_t main_stack_bytes_of(int32_t pid);

// Opens the signal in a stopped thread's mask, also in the one that a call with a mask of its own (ppoll, sigsuspend)
// will put back. False: it was open, or it was refused.
bool open_signal(int32_t tid, uint32_t signal);
// Closes it there.
void close_signal(int32_t tid, uint32_t signal);

}  // namespace flarestack
