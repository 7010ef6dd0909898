// SPDX-License-Identifier: Apache-2.0
// LiveTrace: a trace that is still being written, followed: each read() takes in what is new. Offline side; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "model/live_profile.h"
#include "model/live_view.h"

namespace flarestack {

class LiveTrace {
 public:
  // Error: as TraceReader::open.
  static Result<LiveTrace> open(const std::string& path, int64_t window_ns);
  LiveTrace(LiveTrace&&) noexcept;
  LiveTrace& operator=(LiveTrace&&) noexcept;
  ~LiveTrace();

  // Reading names takes at most a tenth of the time: after a look into the files that took long, what comes waits.
  void read();
  // The trace has its end.
  bool ended() const;
  LiveProfile& profile();
  // With what the reader found damaged.
  LiveView view() const;

 private:
  struct State;
  explicit LiveTrace(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
