// SPDX-License-Identifier: Apache-2.0
// What the seccomp filters of a stopped thread say to the system calls of ours (wire/own_calls.h). Recorder side.
#pragma once

#include <cstdint>
#include <string>

namespace flarestack {

// Whether a thread of the process has a filter, as far as can be seen while it runs.
bool filters_calls(int32_t pid);

// The thread is stopped by ptrace, by the calling thread. Empty: it has no filter, or all of them let all of our calls
// pass in silence; else one sentence. Filters are shown to who has CAP_SYS_ADMIN (ptrace(2),
// PTRACE_SECCOMP_GET_FILTER).
std::string seccomp_problem(int32_t pid, int32_t tid);

}  // namespace flarestack
