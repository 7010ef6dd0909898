// SPDX-License-Identifier: Apache-2.0
#include "profiler/attach_threads.h"

#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>

namespace flarestack {
namespace {

constexpr uint64_t bit_of(uint32_t signal) { return uint64_t{1} << (signal - 1); }

}  // namespace

StackBounds stack_of(const ProcessMaps& maps, const StoppedProcess::ThreadState& thread, uint64_t main_stack_bytes) {
  for (const ProcessMaps::Mapping& mapping : maps.mappings()) {
    if (thread.stack_pointer < mapping.start || thread.stack_pointer >= mapping.end) {
      continue;
    }
    if (mapping.path == "[stack]") {
      return {mapping.end - std::max(main_stack_bytes, mapping.end - mapping.start), mapping.end};
    }
    if (!mapping.writable || !mapping.path.empty()) {
      return {0, 0};
    }
    const bool is_on_top = thread.thread_pointer > thread.stack_pointer && thread.thread_pointer < mapping.end;
    return {mapping.start, is_on_top ? thread.thread_pointer : mapping.end};
  }
  return {0, 0};
}

uint64_t main_stack_bytes_of(int32_t pid) {
  constexpr uint64_t kUnlimited = uint64_t{64} << 20;
  rlimit limit{};
  return prlimit(pid, RLIMIT_STACK, nullptr, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ? kUnlimited
                                                                                             : limit.rlim_cur;
}

// The kernel takes the mask that is set here for the one to be put back (kernel/ptrace.c, ptrace_setsigmask).
bool open_signal(int32_t tid, uint32_t signal) {
  uint64_t mask = 0;
  if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(mask), &mask) != 0 || (mask & bit_of(signal)) == 0) {
    return false;
  }
  mask &= ~bit_of(signal);
  return ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask) == 0;
}

void close_signal(int32_t tid, uint32_t signal) {
  uint64_t mask = 0;
  if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(mask), &mask) == 0) {
    mask |= bit_of(signal);
    ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask);
  }
}

}  // namespace flarestack
