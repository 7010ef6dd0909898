// SPDX-License-Identifier: Apache-2.0
// Which clock can sample here.
#pragma once

#include "wire/session.h"

namespace flarestack {

// What `record --timer` asks for.
enum class TimerWish { kAuto, kPerfIo, kPosix };

struct ClockChoice {
  SampleClock clock = SampleClock::kNone;
  PerfSignal perf_signal = PerfSignal::kIo;
  int perf_errno = 0;  // why perf_event was refused; 0: it was not
};

// Tries the perf task clock as the agent opens it (user mode only), else the POSIX CPU timer, which every kernel has.
// By SIGTRAP where the kernel is known to do it well.
ClockChoice choose_sample_clock(TimerWish wish);

}  // namespace flarestack
