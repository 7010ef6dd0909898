// SPDX-License-Identifier: Apache-2.0
// TickClock: turns the time stamps of region records into CLOCK_MONOTONIC. Where they are ticks of the processor's
// counter (OrderSource), both clocks are looked at now and then: the counter is invariant, so the line through the
// first look and the latest one gives its rate, and the latest one its place. Recorder side.
#pragma once

#include <cstdint>

#include "profiler/clock.h"
#include "wire/session.h"

namespace flarestack {

class TickClock {
 public:
  explicit TickClock(OrderSource source) : counts_ticks_(source == OrderSource::kTimeStampCounter) { look(); }

  void look() {
    if (counts_ticks_) {
      latest_ = {__builtin_ia32_rdtsc(), monotonic_now_ns()};
      first_ = first_.ticks != 0 ? first_ : latest_;
    }
  }
  // After a look() that came later than the time stamp.
  uint64_t monotonic_ns(uint64_t ticks) const {
    const uint64_t passed = latest_.ticks - first_.ticks;
    if (!counts_ticks_ || passed == 0) {
      return counts_ticks_ ? latest_.ns : ticks;
    }
    const double ns_per_tick = static_cast<double>(latest_.ns - first_.ns) / static_cast<double>(passed);
    const auto before = static_cast<double>(static_cast<int64_t>(latest_.ticks - ticks));
    return latest_.ns - static_cast<uint64_t>(static_cast<int64_t>(before * ns_per_tick));
  }

 private:
  struct Look {
    uint64_t ticks = 0;
    uint64_t ns = 0;
  };
  bool counts_ticks_;
  Look first_, latest_;
};

}  // namespace flarestack
