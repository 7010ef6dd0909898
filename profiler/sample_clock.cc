// SPDX-License-Identifier: Apache-2.0
#include "profiler/sample_clock.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/fd.h"

namespace flarestack {
namespace {

// Whether perf's sigtrap is quick and sound: since Linux 6.11 it does without an interrupt of its own, and until 6.15 a
// thread could hang for ever in the kernel when such an event was closed ("perf: Fix hang while freeing sigtrap
// event").
bool has_good_sigtrap() {
  utsname system{};
  int major = 0;
  int minor = 0;
  return uname(&system) == 0 && std::sscanf(system.release, "%d.%d", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 15));
}

}  // namespace

ClockChoice choose_sample_clock(TimerWish wish) {
  if (wish == TimerWish::kPosix) {
    return {SampleClock::kPosixCpuTimer, PerfSignal::kIo, 0};
  }
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = 1'000'000;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const auto opens = [&attributes] {
    return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC))).get() >= 0;
  };
  attributes.sigtrap = attributes.remove_on_exec = 1;
  if (wish == TimerWish::kAuto && has_good_sigtrap() && opens()) {
    return {SampleClock::kPerfTaskClock, PerfSignal::kTrap, 0};
  }
  attributes.sigtrap = attributes.remove_on_exec = 0;
  if (opens()) {
    return {SampleClock::kPerfTaskClock, PerfSignal::kIo, 0};
  }
  return {SampleClock::kPosixCpuTimer, PerfSignal::kIo, errno};
}

}  // namespace flarestack
