// SPDX-License-Identifier: Apache-2.0
#include "profiler/seccomp_look.h"

#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "profiler/stopped_process.h"
#include "profiler/thread_choice.h"
#include "wire/own_calls.h"

namespace flarestack {
namespace {

// What is called in a borrowed thread besides (profiler/held_thread.h, remote_image.h).
constexpr OwnCall kCallsToEnter[] = {
    {Deed::kReach, SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}},
    {Deed::kReach, SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED}},
    {Deed::kReach, SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE}},
    {Deed::kReach, SYS_mprotect, {0, 4096, PROT_READ | PROT_WRITE}},
    {Deed::kReach, SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}},
    {Deed::kReach, SYS_memfd_create, {}},
};

// The first of the calls that the filter does not let pass; -1: it lets all.
int32_t forbidden_call(const std::vector<sock_filter>& filter) {
  constexpr uint64_t kSomewhere = uint64_t{1} << 45;  // the agent is mapped there or thereabouts
  const auto first = [&](const auto& calls) {
    for (const OwnCall& call : calls) {
      if (!passes_in_silence(filter.data(), filter.size(), call, kSomewhere)) {
        return call.number;
      }
    }
    return -1;
  };
  const int32_t number = first(own_calls());
  return number >= 0 ? number : first(kCallsToEnter);
}

}  // namespace

bool filters_calls(int32_t pid) {
  const std::vector<int32_t> tids = threads_of(pid);
  return std::any_of(tids.begin(), tids.end(), [pid](int32_t tid) {
    const std::string mode = thread_status_field(pid, tid, "Seccomp");
    return !mode.empty() && mode != "0";
  });
}

std::string seccomp_problem(int32_t pid, int32_t tid) {
  for (uintptr_t index = 0;; ++index) {
    const auto position = reinterpret_cast<void*>(index);
    const long count = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, position, nullptr);
    if (count < 0 && errno == ENOENT && index > 0) {
      return {};
    }
    if (count < 0 && errno == EINVAL) {  // it has none
      return thread_status_field(pid, tid, "Seccomp") != "1"
                 ? std::string()
                 : fmt::format("process {} lets itself make only four system calls (seccomp, strict mode)", pid);
    }
    std::vector<sock_filter> filter(static_cast<size_t>(std::max(count, 0L)));
    if (count < 0 || ptrace(PTRACE_SECCOMP_GET_FILTER, tid, position, filter.data()) != count) {
      const std::string mode = thread_status_field(pid, tid, "Seccomp");
      return mode.empty() || mode == "0"
                 ? std::string()
                 : fmt::format(
                       "process {} filters its system calls (seccomp) and we may not look at its filter; run "
                       "as root: sudo flarestack ...",
                       pid);
    }
    if (const int32_t number = forbidden_call(filter); number >= 0) {
      return fmt::format(
          "process {} filters its system calls (seccomp), and its filter would not let the agent make system call {}",
          pid, number);
    }
  }
}

}  // namespace flarestack
