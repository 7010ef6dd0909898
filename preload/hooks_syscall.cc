// SPDX-License-Identifier: Apache-2.0
// prctl() and syscall(). By both a seccomp filter is installed (libseccomp uses them, too): see sandbox.h. By the
// second, Chromium gives each child the default action for every signal, the hidden one among them.
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>

#include "preload/agent.h"
#include "preload/fatal_signals.h"
#include "preload/hook.h"
#include "preload/last_stop.h"
#include "preload/next.h"
#include "preload/sampler.h"
#include "preload/sandbox.h"
#include "preload/signal_view.h"
#include "preload/system.h"

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

// Variadic in libc's header; every caller passes up to four more arguments in registers.
FLARESTACK_HOOK int prctl(int option, unsigned long first, unsigned long second, unsigned long third,
                          unsigned long fourth) noexcept {
  before_prctl(option, static_cast<long>(first), static_cast<long>(second));
  return next().prctl(option, first, second, third, fourth);
}

namespace {

struct sigaction from_kernel(const KernelAction& action) {
  struct sigaction result {};
  result.sa_handler = action.handler;
  result.sa_flags = static_cast<int>(action.flags);
  result.sa_restorer = action.restorer;
  result.sa_mask.__val[0] = action.mask;
  return result;
}

KernelAction to_kernel(const struct sigaction& action) {
  return {action.sa_handler, static_cast<uint32_t>(action.sa_flags), action.sa_restorer, action.sa_mask.__val[0]};
}

// syscall(SYS_rt_sigaction, ...), with syscall()'s own arguments.
long signal_action(long number, long signal, const KernelAction* action, KernelAction* old_action, size_t mask_bytes) {
  const bool is_real = !is_hidden_signal(signal) || is_other_process(nullptr);
  KernelAction asked{};
  // The kernel judges the arguments, and changes nothing where the signal is hidden.
  long error = -flarestack::raw_syscall(number, signal, is_real ? flarestack::raw_pointer(action) : 0,
                                        flarestack::raw_pointer(old_action), mask_bytes);
  if (error == 0 && action != nullptr && !safe_read(&asked, action, sizeof(asked))) {
    error = EFAULT;
  }
  if (error != 0) {
    if (next().errno_location != nullptr) {
      *next().errno_location() = static_cast<int>(error);
    }
    return -1;
  }
  struct sigaction previous = *program_action();
  if (!is_real) {
    const struct sigaction changed = from_kernel(asked);
    change_program_action(action != nullptr ? &changed : nullptr, &previous);
  }
  if (old_action == nullptr) {
    return 0;
  }
  if (!is_real || flarestack::raw_pointer(old_action->handler) == flarestack::raw_pointer(handle_sample_signal)) {
    *old_action = to_kernel(previous);
  } else if (show_default(old_action->handler) != old_action->handler) {
    previous = from_kernel(*old_action);
    show_default(static_cast<int>(signal), previous);
    *old_action = to_kernel(previous);
  }
  return 0;
}

}  // namespace

// Where syscall() jumps on to. Called with the registers of the call saved.
extern "C" __attribute__((used, visibility("hidden"))) void* flarestack_before_syscall(long number, long first,
                                                                                       long second, long third) {
  if (number == SYS_seccomp) {
    before_seccomp(first, third);
  } else if (number == SYS_prctl) {
    before_prctl(first, second, third);
  } else if (number == SYS_rt_sigaction && the_agent.session) {
    return reinterpret_cast<void*>(signal_action);
  }
  if (number == SYS_exit_group) {
    stop_before_exit_call();
  }
  return next().syscall;
}

// syscall() may be fork or clone: the libc's function has to run in its caller's frame, so this is a jump and no call.
asm(R"(
    .text
    .globl syscall
    .type syscall, @function
    .p2align 4
syscall:
    .cfi_startproc
    push %rdi
    .cfi_adjust_cfa_offset 8
    push %rsi
    .cfi_adjust_cfa_offset 8
    push %rdx
    .cfi_adjust_cfa_offset 8
    push %rcx
    .cfi_adjust_cfa_offset 8
    push %r8
    .cfi_adjust_cfa_offset 8
    push %r9
    .cfi_adjust_cfa_offset 8
    sub $8, %rsp
    .cfi_adjust_cfa_offset 8
    call flarestack_before_syscall
    add $8, %rsp
    .cfi_adjust_cfa_offset -8
    pop %r9
    .cfi_adjust_cfa_offset -8
    pop %r8
    .cfi_adjust_cfa_offset -8
    pop %rcx
    .cfi_adjust_cfa_offset -8
    pop %rdx
    .cfi_adjust_cfa_offset -8
    pop %rsi
    .cfi_adjust_cfa_offset -8
    pop %rdi
    .cfi_adjust_cfa_offset -8
    jmp *%rax
    .cfi_endproc
    .size syscall, .-syscall
)");
