// SPDX-License-Identifier: Apache-2.0
// Sampler: a timer per thread on the thread's own CPU time, and the signal handler that unwinds and writes the sample.
//
// The timer is a perf_event task clock that excludes the kernel and sends a signal per overflow: the signal is raised only
// while the thread runs its own code, so no system call is ever interrupted, and its rate is not bound to CONFIG_HZ. Ticks
// that fall into the kernel raise nothing; the handler sees from the thread's CPU clock how many there were. No descriptor
// stays open: a mapping of the event's first page keeps it alive. Where perf_event is refused, a POSIX timer on the thread's
// CPU clock serves (bound to CONFIG_HZ; it may interrupt a system call).
//
// The first interval is random: a thread shorter than the period is then hit in proportion to its time. A perf event cannot
// change its period without its descriptor, so the first tick replaces the event by one with the full period.
#pragma once

#include "preload/thread_state.h"

namespace flarestack::agent {

// Installs the handler of the session's sample signal. False: the kernel refused. [init]
bool install_handler();

// Arms the calling thread. [hook]
void arm(ThreadState& thread);
// Takes the timer down; harmless when there is none. May be called for a thread that is gone. [signal]
void disarm(ThreadState& thread);
// Writes the end of the calling thread, with the ticks the kernel got since its last sample. [hook]
void record_thread_end(ThreadState& thread);

// Bit of the sample signal in a 64-bit signal mask. [signal]
uint64_t sample_signal_bit();

}  // namespace flarestack::agent
