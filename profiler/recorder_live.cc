// SPDX-License-Identifier: Apache-2.0
// The part of Recorder that is for whoever watches the recording while it runs.
#include <poll.h>

#include "profiler/recorder_loop.h"

namespace flarestack {

void Recorder::flush_in_time() {
  // What a process seems to lack while it is entered is no news.
  constexpr int64_t kFirstFlushNs = 500'000'000;
  const int64_t now_ns = origin_.now();
  if (next_live_ns_ == 0) {
    next_live_ns_ = now_ns + kFirstFlushNs;
  }
  if (options_.live_interval_ns != 0) {
    if (now_ns < next_live_ns_) {
      return;  // what is flushed is never ahead of the time that is told
    }
    next_live_ns_ = now_ns + static_cast<int64_t>(options_.live_interval_ns);
    processes_.write_so_far();
    if (outside_ != nullptr) {
      outside_->write_so_far();
    }
    tables_.add_counters({}, {{"recorded_ns", static_cast<uint64_t>(now_ns)}});
    keep(tables_.flush_so_far());
  }
  keep(tables_.flush_window(now_ns));
}

void Recorder::handle_stop_request() {
  pollfd request{options_.stop_descriptor, POLLIN, 0};
  if (request.fd >= 0 && poll(&request, 1, 0) > 0) {
    stop_ = true;
  }
}

}  // namespace flarestack
