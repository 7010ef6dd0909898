// SPDX-License-Identifier: Apache-2.0
// Which of libc's functions are hooked at their entry in a process that was attached to. At a launch the agent stands
// in front of them by its exports (exports.map), or is told by libc (fork).
#pragma once

#include "preload/patches.h"

namespace flarestack::agent {

// mmap and its like. [hook]
void add_mapping_hooks(HookTable& table);
// Threads, forks, signals. Of functions that libc itself calls within others (pthread_sigmask in sigprocmask, sigaction
// in signal, pthread_create in thrd_create) only the inner one. No exec: in posix_spawn's child the stack is too small
// for an environment of ours. Functions in which a thread may stay for long are none of them, since their hooks
// would still be there when the process is attached to again. [hook]
void add_process_hooks(HookTable& table);

}  // namespace flarestack::agent
