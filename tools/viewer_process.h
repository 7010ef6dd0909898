// SPDX-License-Identifier: Apache-2.0
// ViewerProcess: the view of `record --live`: a child of the recorder, which alone is the program's parent and passes
// its status on. It draws on the terminal, which must not be the program's stdin, stdout or stderr; Ctrl-C and Ctrl-Z
// are for the program, as without a view.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace flarestack {

class ViewerProcess {
 public:
  // Why there can be no view; empty: there can.
  static std::string problem();
  // Forks; nothing is shown yet.
  static Result<ViewerProcess> start(const std::string& trace_path, uint64_t interval_ns);
  ViewerProcess(ViewerProcess&&) noexcept = default;

  // The trace is there, and the program runs.
  void show();
  // The recording is over: waits until the terminal is as it was.
  void end();

 private:
  ViewerProcess(int child, Fd recording) : child_(child), recording_(std::move(recording)) {}

  int child_;
  Fd recording_;
};

}  // namespace flarestack
