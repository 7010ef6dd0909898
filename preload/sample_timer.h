// SPDX-License-Identifier: Apache-2.0
// A timer per thread on the thread's own CPU time, which sends it the session's sample signal.
//
// It is a perf_event task clock that excludes the kernel and sends a signal per overflow: the signal is raised only
// while the thread runs its own code, so no system call is ever interrupted, and its rate is not bound to CONFIG_HZ.
// The kernel sends SIGTRAP by itself (perf_event_attr's sigtrap), or the session's signal as the I/O signal of the
// event's file. Ticks that fall into the kernel raise nothing; the handler sees from the thread's CPU clock how many
// there were. No descriptor stays open: a mapping of the event's first page keeps it alive. Where perf_event is
// refused, a POSIX timer on the thread's CPU clock serves (bound to CONFIG_HZ; it may interrupt a system call).
//
// Ticks are due at a random moment of the first period of a thread's CPU time, and at each period from then on, so that
// a thread shorter than the period is hit in proportion to its time, whatever arming it took; a first one that is due
// at once comes up to 30 us late. A perf event cannot change its period without its descriptor, so the first tick
// replaces the event by one with the full period.
#pragma once

#include <csignal>

#include "preload/thread_state.h"

namespace flarestack::agent {

inline constexpr int kTrapPerf = 6;  // TRAP_PERF, si_code of a perf event's SIGTRAP; glibc 2.36 does not name it

// The clock of a thread's CPU time, of any thread of the process. [signal]
clockid_t thread_cpu_clock(int32_t tid);

// Arms the calling thread, or one that stands still, whose CPU time up to `counted_from_cpu_ns` is not ours. Of the
// periods that have ended since then it writes a record. [hook]
void arm(ThreadState& thread, uint64_t counted_from_cpu_ns);
// At the calling thread's first tick: from now on the period is the full one. False: not now, at the next tick.
// [signal]
bool rearm(ThreadState& thread);
// Takes the timer down; harmless when there is none. May be called for another thread, or one that is gone. [signal]
void disarm(ThreadState& thread);
// Takes every thread's timer down. [hook]
void disarm_all();

// Whether a signal comes from one of our timers, past ones included: never the program's business. [signal]
bool is_tick(const siginfo_t& info);
// Whether it comes from the timer that the thread has now. [signal]
bool is_tick_of(const siginfo_t& info, const ThreadState& thread);

// Around a fork: between the two no thread has a descriptor of ours open, which the child would keep. [hook]
void hold_timers();
void release_timers();
// In the child, whose other threads are gone. [hook]
void forget_other_threads_timers();

}  // namespace flarestack::agent
