// SPDX-License-Identifier: Apache-2.0
// Which thread of a process is fit to work for us, by what can be seen without stopping it. Recorder side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flarestack {

// The fittest first: those that wait in a call that a stop does not change, those that wait in another, those that run,
// and those in a call whose timeout begins anew. Left out: those that a stop cannot reach, as in vfork. While there are
// any of the last kind, a thread that gets_signals_of_process() is hardly fitter than they are.
std::vector<int32_t> threads_by_fitness(int32_t pid);

// Of a line of /proc/PID/task/TID/syscall; smaller is fitter.
int thread_rank(std::string_view line);
inline constexpr int kUnfit = 9;

// Whether signals of the process are addressed to this thread, as SIGCHLD of the children that it made. While it is
// traced the kernel queues even those that are ignored, and wakes another thread for them.
bool gets_signals_of_process(int32_t pid, int32_t tid);

// /proc/PID/task/TID/status; empty: the thread is gone.
std::string thread_status(int32_t pid, int32_t tid);
// Of such a text, borrowed from it; empty: no such field.
std::string_view status_field(std::string_view status, std::string_view name);
// Both at once.
std::string thread_status_field(int32_t pid, int32_t tid, std::string_view name);

}  // namespace flarestack
