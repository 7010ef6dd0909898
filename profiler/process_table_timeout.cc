// SPDX-License-Identifier: Apache-2.0
// The part of ProcessTable for a run whose time runs out.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "profiler/process_table.h"

namespace flarestack {

int64_t ProcessTable::region_open_since(const std::string& name) {
  int64_t since_ns = INT64_MAX;
  for (auto& [session_id, process] : processes_) {
    since_ns = std::min(since_ns, process.target->heap().region_open_since(name));
  }
  return since_ns;
}

void ProcessTable::take_final_stacks() {
  for (auto& [session_id, process] : processes_) {
    process.target->take_final_stacks();
  }
}

void ProcessTable::signal_all(int signal) {
  for (const auto& [session_id, process] : processes_) {
    if (process.target->identity().pid != launched_pid_) {
      syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0);
    }
  }
}

}  // namespace flarestack
