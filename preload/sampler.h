// SPDX-License-Identifier: Apache-2.0
// Sampler: the handler of the sample signal, which unwinds and writes the sample. Timers: preload/sample_timer.h.
#pragma once

#include <csignal>

#include "preload/thread_state.h"

namespace flarestack::agent {

// The handler of the session's sample signal: a tick of our own becomes a sample, any other signal of that number is
// the program's. Runs with all signals blocked. [signal]
void handle_sample_signal(int signal, siginfo_t* info, void* context);

// Writes how many periods of the calling thread's CPU time have ended without a sample; with signals blocked. [hook]
void record_unsampled_ticks(ThreadState& thread);
// The same at the end of the calling thread's routine. [hook]
void record_routine_end(ThreadState& thread);

// Soon no timer can be armed any more: the calling thread's is armed for good, and those of other threads that still
// wait for their first tick are taken down. [hook]
void settle_timers_for_sandbox();

// Bit of the sample signal in a 64-bit signal mask. [signal]
uint64_t sample_signal_bit();

}  // namespace flarestack::agent
