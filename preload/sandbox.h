// SPDX-License-Identifier: Apache-2.0
// What a program's own seccomp filter leaves us. A filter that kills at an unknown system call would kill the program
// for one of ours, and one that traps would show it to the program. There is no asking afterwards: so the hooks of
// prctl and syscall come here before a filter is installed, run it on our own calls, and what it does not let pass in
// silence we never do again. Filters last for ever, are inherited by threads, children and images, and only ever forbid
// more, so this holds for the whole process from then on.
//
// Not seen: a filter installed by a system call that does not go through libc.
#pragma once

#include <atomic>
#include <cstdint>

#include "wire/own_calls.h"

namespace flarestack::agent {

extern std::atomic<uint32_t> forbidden_deeds;

// [signal]
inline bool sandbox_allows(Deed deed) {
  return (forbidden_deeds.load(std::memory_order_relaxed) & static_cast<uint32_t>(deed)) == 0;
}

// Held by whoever makes calls of ours in a handler or in a thread that starts or ends: a filter may bind all threads at
// once, and waits for those that have begun. [signal]
class CallScope {
 public:
  CallScope();
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
};
// In a fork's child, whose other threads are gone. [hook]
void forget_other_threads_calls();

// Before prctl(option, first, second) or seccomp(operation, flags, program) reaches the kernel. [hook]
void before_prctl(long option, long first, long second);
void before_seccomp(long operation, long program);

}  // namespace flarestack::agent
