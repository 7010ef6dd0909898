// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of processes that may not be our children: how they ended, CPU time, whether they are stopped.
// Recorder side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/records.h"

namespace flarestack {

struct ExitStatus {
  ExitKind kind = ExitKind::kUnknown;
  int32_t code = 0;
};

// From a wait status (waitpid).
ExitStatus exit_from_wait_status(int wait_status);

// The exit of the process behind `pidfd`, which has ended: from the kernel (PIDFD_GET_INFO, Linux 6.15), or from
// /proc/PID/stat as long as it is a zombie. kUnknown when neither tells.
ExitStatus exit_of(int pidfd, int32_t pid);

// User and system time of a process so far, all its threads; also of a zombie. 0: it is gone.
uint64_t process_cpu_ns(int32_t pid);

// From /proc/PID/stat; 0 if it is gone.
int32_t parent_pid(int32_t pid);

// Whether all of the process is stopped, by a signal or a tracer.
bool process_stopped(int32_t pid);

// Resident memory of a process; 0: it is gone.
uint64_t resident_bytes(int32_t pid);

// R, S, D, T...; 0: it is gone.
char thread_state(int32_t pid, int32_t tid);

// Its command line.
std::vector<std::string> arguments_of(int32_t pid);

}  // namespace flarestack
