// SPDX-License-Identifier: Apache-2.0
// Attacher: brings the agent into a process that runs already, and takes its hooks out again (docs/attach.md). All
// ptrace requests are the calling thread's, which is not the one that answers the agent: the agent asks for its session
// and for its hooks while it is called. Recorder side.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "profiler/remote_image.h"
#include "profiler/remote_thread.h"
#include "wire/attach.h"

namespace flarestack {

// How long the process, or one thread of it, stood still.
struct AttachPauses {
  uint64_t one_thread_ns = 0;   // while the agent was loaded and prepared
  uint64_t all_threads_ns = 0;  // the longest time that all of them did
  uint32_t tries = 0;           // of stopping all of them at a good moment
};

struct AttachOptions {
  int32_t pid = 0;
  std::string agent_path;
  std::string session_value;
  uint32_t sample_signal = 0;
};

class Attacher {
 public:
  explicit Attacher(AttachOptions options) : options_(std::move(options)) {}

  // Error: one sentence; the process goes on as before.
  Result<AttachPauses> attach();
  // Takes the hooks out of the process and the timers down; what is mapped stays. Of a process that is gone: nothing.
  Result<AttachPauses> detach();
  // attach() found that another recorder is at it.
  bool is_recorded_by_another() const { return request_.result == AttachResult::kRecorded; }
  // The same where the recorder that had attached is gone. Error as well: it was never attached to.
  Result<AttachPauses> detach_from_lost();

 private:
  struct Stopped;
  Result<void> enter_memory(RemoteThread& thread);
  Result<void> prepare(AttachPauses& pauses);
  // Calls the agent for a step that needs all threads to stand still.
  Result<AttachResult> call_stopped(AttachStep step, AttachPauses& pauses);
  Result<AttachResult> call(RemoteThread& thread);
  bool read_plan();
  bool is_in_the_way(uint64_t instruction_pointer) const;

  AttachOptions options_;
  RemoteImage image_;
  uint64_t request_address_ = 0;  // in the process
  AttachRequest request_{};
  std::set<int32_t> opened_;                              // threads whose mask was opened for our signal
  std::vector<std::pair<uint64_t, uint64_t>> displaced_;  // [start, end) in which no thread may be
};

}  // namespace flarestack
