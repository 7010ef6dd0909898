// SPDX-License-Identifier: Apache-2.0
// LiveRecorder: a recording of a process that runs already, made by a child of this one, so that a terminal's signals,
// a slow reader or a crash here do nothing to it: the child detaches when it is told to, or when this process is gone.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "profiler/recorder.h"

namespace flarestack {

class LiveRecorder {
 public:
  // Returns when the process is being recorded into `options.output_path`. Error: it is not. `removes_trace`: the
  // child does so if nobody else is left to.
  static Result<LiveRecorder> start(RecordOptions options, bool removes_trace);
  LiveRecorder(LiveRecorder&& other) noexcept = default;

  // Hung up when the recording is over.
  int descriptor() const { return said_.get(); }
  // Ends the recording, if it goes on, and waits until the process is left alone. What went wrong, as sentences; empty:
  // nothing.
  std::string stop();

 private:
  LiveRecorder(int child, Fd stop, Fd said) : child_(child), stop_(std::move(stop)), said_(std::move(said)) {}

  int child_;
  Fd stop_;  // the child detaches when it is closed
  Fd said_;  // a line for each thing that it has to say
};

}  // namespace flarestack
