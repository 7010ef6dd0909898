// SPDX-License-Identifier: Apache-2.0
// The two functions of libc by which a seccomp filter is installed (libseccomp uses them, too): see sandbox.h.
#include <sys/syscall.h>

#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sandbox.h"

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

// Variadic in libc's header; every caller passes up to four more arguments in registers.
FLARESTACK_HOOK int prctl(int option, unsigned long first, unsigned long second, unsigned long third,
                          unsigned long fourth) noexcept {
  before_prctl(option, static_cast<long>(first), static_cast<long>(second));
  return next().prctl(option, first, second, third, fourth);
}

// Where syscall() jumps on to. Called with the registers of the call saved.
extern "C" __attribute__((used, visibility("hidden"))) void* flarestack_before_syscall(long number, long first,
                                                                                       long second, long third) {
  if (number == SYS_seccomp) {
    before_seccomp(first, third);
  } else if (number == SYS_prctl) {
    before_prctl(first, second, third);
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
