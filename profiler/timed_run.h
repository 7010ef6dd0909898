// SPDX-License-Identifier: Apache-2.0
// timed_run(): a command run bare, without an agent, and what it cost. Recorder side; used by whatever repeats
// commands.
//
// The clock starts in the child, right before exec, and what the child used until there is subtracted: neither the fork
// nor our own size is in a figure. The one exception is the peak, which the kernel counts from the fork on: it is at
// least what the child has resident when it leaves (`floor_rss_bytes`: some 300 KiB, less than a C program with its
// libc). A vfork or posix_spawn would make it all that this process has, since exec adds the peak of the memory it
// leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace flarestack {

struct TimedRun {
  int64_t wall_ns = 0;  // from exec to the end of the command itself
  int64_t user_ns = 0;  // of the command and of the children that it waited for, and they for theirs
  int64_t system_ns = 0;
  uint64_t peak_rss_bytes = 0;   // of the largest of these processes
  uint64_t floor_rss_bytes = 0;  // the least that the peak can be found to be
  int wait_status = 0;           // as of waitpid
};

// The shell's idea of a wait status: the exit status, or 128 + the signal.
int shell_status(int wait_status);

enum class CommandOutput : uint8_t { kDiscarded, kPassedOn };  // stdout and stderr

struct TimedRunOptions {
  std::vector<std::string> command;  // found as execvp does; not empty
  CommandOutput output = CommandOutput::kDiscarded;
  // A variable of this length is added to the environment: where the stack starts depends on its size, and some
  // programs are faster or slower by it (Mytkowicz et al., "Producing wrong data without doing anything obviously
  // wrong!", ASPLOS 2009). 0: none.
  size_t padding_bytes = 0;
};

// stdin is /dev/null. Error: the command could not be started. The child has the signal mask and dispositions of this
// process but for those of the InterruptGuard.
Result<TimedRun> timed_run(const TimedRunOptions& options);

// From construction to destruction SIGINT, SIGTERM and SIGHUP end the command that runs, if any (SIGTERM; SIGKILL at
// the second signal), and are otherwise only remembered. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  static bool interrupted();  // since construction
};

}  // namespace flarestack
