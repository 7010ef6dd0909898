// SPDX-License-Identifier: Apache-2.0
#include "profiler/attach_threads.h"

#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/fd.h"

namespace flarestack {
namespace {

// Whether the thread is in a call that will put back the mask that it came with.
bool restores_mask(int32_t tid) {
  const Result<std::string> call = read_file(fmt::format("/proc/{}/syscall", tid));
  for (const long number : {long{SYS_rt_sigsuspend}, long{SYS_ppoll}, long{SYS_pselect6}, long{SYS_epoll_pwait},
                            long{441} /* epoll_pwait2 */}) {
    if (call.ok() && call->starts_with(fmt::format("{} ", number))) {
      return true;
    }
  }
  return false;
}

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

bool open_signal(int32_t tid, uint32_t signal) {
  const uint64_t bit = uint64_t{1} << (signal - 1);
  uint64_t mask = 0;
  if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(mask), &mask) != 0 || (mask & bit) == 0 || restores_mask(tid)) {
    return false;
  }
  mask &= ~bit;
  return ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask) == 0;
}

}  // namespace flarestack
