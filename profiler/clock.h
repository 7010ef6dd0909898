// SPDX-License-Identifier: Apache-2.0
// The recorder's clocks, and the time axis of a recording.
#pragma once

#include <cstdint>
#include <ctime>

namespace flarestack {

inline uint64_t clock_now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// 1/CONFIG_HZ, at which POSIX CPU timers are looked at.
inline uint64_t kernel_tick_ns() {
  timespec resolution{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
  return static_cast<uint64_t>(resolution.tv_nsec);
}

// CLOCK_MONOTONIC, which agent and recorder share.
inline uint64_t monotonic_now_ns() { return clock_now_ns(CLOCK_MONOTONIC); }

// Time 0 of a recording, as a CLOCK_MONOTONIC value.
struct TimeOrigin {
  uint64_t monotonic_ns = 0;
  int64_t since(uint64_t at_monotonic_ns) const { return static_cast<int64_t>(at_monotonic_ns - monotonic_ns); }
  int64_t now() const { return since(monotonic_now_ns()); }
};

}  // namespace flarestack
