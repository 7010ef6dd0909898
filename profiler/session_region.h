// SPDX-License-Identifier: Apache-2.0
// SessionRegion: the recorder's side of a session's shared memory. Made here, handed to the agent by descriptor.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "wire/session.h"

namespace flarestack {

struct SessionSettings {
  uint32_t session_id = 0;
  uint64_t sample_period_ns = 0;  // 0: no CPU sampling
  SampleClock clock = SampleClock::kNone;
  PerfSignal perf_signal = PerfSignal::kIo;
  bool follow_children = true;
  HeapRecording heap = HeapRecording::kOff;
  OrderSource order_source = OrderSource::kCounter;
  uint64_t heap_sample_bytes = 0;
  bool leak_check = false;
  bool starts_paused = false;

  // The kernel leaves no choice with its own; else a standard signal (real-time ones queue up behind a slow handler)
  // that nobody uses: the stack fault of a coprocessor that x86-64 does not have.
  uint32_t sample_signal() const;
};

class SessionRegion {
 public:
  // Error: no memory or no descriptors. The descriptor is sealed against resizing, so the target cannot take pages
  // away.
  static Result<SessionRegion> create(const SessionSettings& settings);
  SessionRegion(SessionRegion&& other) noexcept;
  SessionRegion& operator=(SessionRegion&& other) noexcept;
  ~SessionRegion();

  SessionView view() const { return view_; }
  int descriptor() const { return descriptor_.get(); }
  // Once the agent has it.
  void close_descriptor() { descriptor_.reset(); }

 private:
  SessionRegion() = default;
  SessionView view_;
  Fd descriptor_;
};

}  // namespace flarestack
