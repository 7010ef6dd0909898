// SPDX-License-Identifier: Apache-2.0
// Attacher: brings the agent into a process that runs already, and takes its hooks out again (docs/attach.md). All
// ptrace requests are the calling thread's, which is not the one that answers the agent: the agent asks for its session
// and for its hooks while it is called. Recorder side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "profiler/process_maps.h"
#include "profiler/remote_agent.h"
#include "profiler/stopped_process.h"
#include "wire/attach.h"

namespace flarestack {

class AllStopped;

// How long the process, or one thread of it, stood still.
struct AttachPauses {
  uint64_t one_thread_ns = 0;   // the longest while, as the agent was loaded and prepared
  uint64_t all_threads_ns = 0;  // the longest time that all of them did
  uint32_t tries = 0;           // of stopping all of them at a good moment
};

// prepare(), map_hooks() with the plan of what that asks for, enter(); at the end detach(). Errors are one sentence,
// and the process goes on as before.
class Attacher {
 public:
  explicit Attacher(AttachOptions options) : agent_(std::move(options)) {}

  // Loads the agent, has it connect to the recorder, and returns what it wants to be hooked.
  Result<PatchRequest> prepare();
  // Puts the plan (wire/patch.h; not empty) into the process and has the agent map its areas; what became of that.
  // With an error number: nothing will be hooked, and another plan may be tried.
  Result<PatchOutcome> map_hooks(const std::string& plan);
  Result<AttachPauses> enter();
  // Takes the hooks out of the process and the timers down; what is mapped stays. Of a process that is gone: nothing.
  Result<void> detach();
  // prepare() found that another recorder is at it.
  bool is_recorded_by_another() { return request().result == AttachResult::kRecorded; }
  // The same where the recorder that had attached is gone. Error as well: it was never attached to.
  Result<void> detach_from_lost();

 private:
  int32_t pid() const { return agent_.options().pid; }
  AttachRequest& request() { return agent_.request(); }
  Error cannot_attach(AttachResult result) const;
  Result<void> check_filters(const std::vector<StoppedProcess::ThreadState>& stopped) const;
  void remember_displaced(const std::string& plan);
  bool is_anyone_in_the_way(const AllStopped& stopped) const;
  static void close_masks(AllStopped& stopped, const std::set<int32_t>& tids, uint32_t signal);
  std::set<int32_t> blocking_threads();
  void describe_threads(AllStopped& stopped, ProcessMaps& maps);
  // Calls the agent for a step that needs all threads to stand still.
  Result<AttachResult> call_stopped(AttachStep step);

  RemoteAgent agent_;
  RemoteRoom room_;           // between two steps, and for the whole recording
  bool has_filters_ = false;  // some thread of the process, of its system calls
  AttachPauses pauses_;
  std::set<int32_t> opened_;                              // threads whose mask was opened for our signal
  std::vector<std::pair<uint64_t, uint64_t>> displaced_;  // [start, end) in which no thread may be
};

}  // namespace flarestack
