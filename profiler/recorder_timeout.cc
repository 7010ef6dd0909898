// SPDX-License-Identifier: Apache-2.0
// The part of Recorder that ends a program whose time has run out, and takes note of what it was doing.
#include <csignal>

#include "profiler/recorder_loop.h"

namespace flarestack {

void Recorder::handle_timeouts() {
  constexpr uint64_t kRepeatNs = 100'000'000;  // between two rounds of SIGKILL: for what was forked meanwhile
  if (terminated_) {
    if (kill_at_ns_ != 0 && monotonic_now_ns() > kill_at_ns_) {
      if (!program_ended_) {
        kill(program_.pid, SIGKILL);
      }
      processes_.signal_all(SIGKILL);
      kill_at_ns_ = monotonic_now_ns() + kRepeatNs;
    }
    return;
  }
  if (program_ended_ || program_.pid == 0) {
    return;
  }
  const int64_t now_ns = origin_.now();
  if (options_.timeout_ns != 0 && now_ns > static_cast<int64_t>(options_.timeout_ns)) {
    end_program(options_.timeout_ns, {});
    return;
  }
  for (const RecordOptions::RegionTimeout& each : options_.region_timeouts) {
    const int64_t since_ns = processes_.region_open_since(each.region);
    if (since_ns < now_ns && now_ns - since_ns > static_cast<int64_t>(each.limit_ns)) {
      end_program(each.limit_ns, each.region);
      return;
    }
  }
}

void Recorder::end_program(uint64_t limit_ns, const std::string& region) {
  constexpr uint64_t kKillAfterNs = 5'000'000'000;
  terminated_ = true;
  processes_.drain();
  writer_.add(TimeoutRecord{origin_.now(), limit_ns, region});
  processes_.take_final_stacks();
  keep(tables_.flush_so_far());  // whatever becomes of it now
  kill(program_.pid, SIGTERM);
  processes_.signal_all(SIGTERM);
  kill_at_ns_ = monotonic_now_ns() + kKillAfterNs;
}

}  // namespace flarestack
