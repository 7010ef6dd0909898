// SPDX-License-Identifier: Apache-2.0
#include "profiler/interrupted_calls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace flarestack {
namespace {

constexpr long kEpollPwait2 = 441;  // Linux 5.11

}  // namespace

bool returns_early_when_stopped(long call) {
  constexpr long kCalls[] = {SYS_read,        SYS_recvfrom, SYS_recvmsg,       SYS_recvmmsg,        SYS_accept,
                             SYS_accept4,     SYS_semop,    SYS_semtimedop,    SYS_rt_sigtimedwait, SYS_epoll_wait,
                             SYS_epoll_pwait, kEpollPwait2, SYS_io_uring_enter};
  return std::find(std::begin(kCalls), std::end(kCalls), call) != std::end(kCalls);
}

bool is_cut_short(const user_regs_struct& registers) {
  return static_cast<long long>(registers.orig_rax) >= 0 && static_cast<long long>(registers.rax) == -EINTR &&
         returns_early_when_stopped(static_cast<long>(registers.orig_rax));
}

bool is_resuming(const user_regs_struct& registers) {
  constexpr long long kRestartBlock = 516;  // ERESTART_RESTARTBLOCK
  return static_cast<long long>(registers.orig_rax) >= 0 && static_cast<long long>(registers.rax) == -kRestartBlock;
}

bool is_restarting(const user_regs_struct& registers) {
  // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK
  constexpr long long kValues[] = {-512, -513, -kRestartNoHandler, -516};
  return static_cast<long long>(registers.orig_rax) >= 0 &&
         std::find(std::begin(kValues), std::end(kValues), static_cast<long long>(registers.rax)) != std::end(kValues);
}

}  // namespace flarestack
