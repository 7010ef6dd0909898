// SPDX-License-Identifier: Apache-2.0
// What a stop by ptrace does to the system call that a thread waits in. Measured for each: docs/leaks.md. Recorder
// side.
#pragma once

#include <sys/user.h>

namespace flarestack {

inline constexpr long long kRestartNoHandler = 514;  // ERESTARTNOHAND, include/linux/errno.h

// Whether a stop makes the call return EINTR that a stop by a signal would not.
bool returns_early_when_stopped(long call);

// Whether it has done so in the thread with these registers: with -kRestartNoHandler as its value the kernel begins the
// call again, or makes EINTR of it where a handler of the program's runs.
bool is_cut_short(const user_regs_struct& registers);

// Whether the thread is in a system call that the kernel will begin again when the thread goes on.
bool is_restarting(const user_regs_struct& registers);

// Whether it is one that the kernel goes on with where it was, by restart_syscall.
bool is_resuming(const user_regs_struct& registers);

}  // namespace flarestack
