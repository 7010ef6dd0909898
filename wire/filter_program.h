// SPDX-License-Identifier: Apache-2.0
// Runs a program's seccomp filter (classic BPF over struct seccomp_data) as the kernel would, to know what a filter
// says to our own system calls (wire/own_calls.h). Both sides.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>

namespace flarestack {

// The filter's return value for one call; SECCOMP_RET_KILL_PROCESS for a program that the kernel would not accept.
// [signal]
uint32_t run_filter(const sock_filter* code, size_t count, const seccomp_data& data);

}  // namespace flarestack
