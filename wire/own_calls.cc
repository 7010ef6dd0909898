// SPDX-License-Identifier: Apache-2.0
#include "wire/own_calls.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <ctime>

#include "wire/filter_program.h"

namespace flarestack {
namespace {

constexpr auto kNoDescriptor = static_cast<uint64_t>(-1);
constexpr OwnCall kOwnCalls[] = {
    {Deed::kSample, SYS_rt_sigreturn, {}},
    {Deed::kSample, SYS_rt_sigprocmask, {0, 0, 0, 8}},
    {Deed::kSample, SYS_clock_gettime, {CLOCK_MONOTONIC}},
    {Deed::kSample, SYS_clock_gettime, {CLOCK_THREAD_CPUTIME_ID}},
    {Deed::kSample, SYS_getpid, {}},
    {Deed::kSample, SYS_process_vm_readv, {}},
    {Deed::kSample, SYS_kill, {}},
    {Deed::kSample, SYS_munmap, {}},
    {Deed::kSample, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE}},
    {Deed::kArm, SYS_gettid, {}},
    {Deed::kArm, SYS_tgkill, {}},
    {Deed::kArm, SYS_nanosleep, {}},
    {Deed::kArm, SYS_perf_event_open, {0, 0, kNoDescriptor, kNoDescriptor}},
    {Deed::kArm, SYS_fcntl, {3, F_SETOWN_EX}},
    {Deed::kArm, SYS_fcntl, {3, F_SETSIG}},
    {Deed::kArm, SYS_fcntl, {3, F_SETFL, O_ASYNC}},
    {Deed::kArm, SYS_mmap, {0, 4096, PROT_READ, MAP_SHARED}},
    {Deed::kArm, SYS_ioctl, {3, PERF_EVENT_IOC_ENABLE}},
    {Deed::kArm, SYS_close, {3}},
    {Deed::kArm, SYS_prctl, {PR_GET_NAME}},
    {Deed::kArm, SYS_timer_create, {CLOCK_THREAD_CPUTIME_ID}},
    {Deed::kArm, SYS_timer_settime, {}},
    {Deed::kArm, SYS_timer_delete, {}},
    {Deed::kName, SYS_prctl, {PR_SET_VMA, PR_SET_VMA_ANON_NAME}},
    {Deed::kHeap, SYS_futex, {}},
    {Deed::kHeap, SYS_membarrier, {}},
    {Deed::kHeap, SYS_clock_gettime, {CLOCK_MONOTONIC}},
    {Deed::kHeap, SYS_kill, {}},
    {Deed::kHeap, SYS_process_vm_readv, {}},
    {Deed::kHeap, SYS_getpid, {}},
    {Deed::kHeap, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE}},
    {Deed::kReach, SYS_madvise, {}},
    {Deed::kReach, SYS_socket, {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC}},
    {Deed::kReach, SYS_setsockopt, {3, SOL_SOCKET, SO_RCVTIMEO}},
    {Deed::kReach, SYS_setsockopt, {3, SOL_SOCKET, SO_SNDTIMEO}},
    {Deed::kReach, SYS_connect, {3}},
    {Deed::kReach, SYS_sendto, {3}},
    {Deed::kReach, SYS_recvmsg, {3}},
    {Deed::kReach, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED}},
    {Deed::kReach, SYS_openat, {static_cast<uint64_t>(AT_FDCWD), 0, O_RDONLY | O_CLOEXEC}},
    {Deed::kReach, SYS_openat, {static_cast<uint64_t>(AT_FDCWD), 0, O_RDWR | O_CLOEXEC}},
    {Deed::kReach, SYS_read, {3}},
    {Deed::kReach, SYS_pread64, {3}},
    {Deed::kReach, SYS_pwrite64, {3}},
    {Deed::kReach, SYS_close, {3}},
    {Deed::kReach, SYS_fstat, {3}},
    {Deed::kReach, SYS_fgetxattr, {3}},
    {Deed::kReach, SYS_access, {}},
    {Deed::kReach, SYS_readlink, {}},
    {Deed::kReach, SYS_getcwd, {}},
    {Deed::kReach, SYS_getuid, {}},
    {Deed::kReach, SYS_geteuid, {}},
    {Deed::kReach, SYS_getgid, {}},
    {Deed::kReach, SYS_getegid, {}},
    {Deed::kReach, SYS_prlimit64, {}},
    {Deed::kReach, SYS_rt_sigaction, {}},
};

}  // namespace

OwnCalls own_calls() { return {kOwnCalls, kOwnCalls + sizeof(kOwnCalls) / sizeof(kOwnCalls[0])}; }

bool passes_in_silence(const sock_filter* code, size_t count, const OwnCall& call, uint64_t instruction_pointer) {
  seccomp_data data{};
  data.nr = call.number;
  data.arch = AUDIT_ARCH_X86_64;
  data.instruction_pointer = instruction_pointer;
  for (size_t i = 0; i < sizeof(call.arguments) / sizeof(call.arguments[0]); ++i) {
    data.args[i] = call.arguments[i];
  }
  switch (run_filter(code, count, data) & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return true;
    case SECCOMP_RET_ERRNO:
      return call.number != SYS_rt_sigreturn && call.number != SYS_munmap;
    default:
      return false;
  }
}

}  // namespace flarestack
