// SPDX-License-Identifier: Apache-2.0
// AllStopped: all threads of a process, standing still, and one of them ours. Recorder side.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "profiler/remote_thread.h"
#include "profiler/stopped_process.h"

namespace flarestack {

class AllStopped {
 public:
  // `room`: of the thread that is borrowed.
  AllStopped(int32_t pid, RemoteRoom& room);
  ~AllStopped() { let_go(); }
  AllStopped(const AllStopped&) = delete;
  AllStopped& operator=(const AllStopped&) = delete;

  // Error: some run on, or all do.
  Result<void> check() const;
  RemoteThread& thread() { return *thread_; }
  std::vector<StoppedProcess::ThreadState> threads() const;
  // Of another thread than the borrowed one, which takes its own.
  bool drop_ticks(int32_t tid, int signal) { return others_->drop_ticks(tid, signal); }
  // The borrowed one is given back its own while nobody competes with it for a processor. Returns how long all of them
  // stood still.
  uint64_t let_go();

 private:
  void stop_all_but(int32_t tid);

  int32_t pid_;
  std::optional<StoppedProcess> others_;
  Result<RemoteThread> thread_;
};

}  // namespace flarestack
