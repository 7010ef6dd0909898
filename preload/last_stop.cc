// SPDX-License-Identifier: Apache-2.0
#include "preload/last_stop.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <csignal>

#include "preload/agent.h"
#include "preload/heap_switches.h"
#include "preload/heap_writer.h"
#include "preload/sandbox.h"
#include "preload/system.h"
#include "preload/thread_state.h"

namespace flarestack::agent {
namespace {

// A recorder that has not begun by then is stopped, or has too much to do.
constexpr uint64_t kLongestStartNs = 2'000'000'000;
constexpr uint64_t kOneWaitNs = 100'000'000;

bool is_wanted() {
  return recording() && the_agent.session.page().leak_check != 0 &&
         heap_switches->on.load(std::memory_order_relaxed) != 0 && sandbox_allows(Deed::kHeap);
}

void wait_for_recorder_at_end(int signal, const LastRegisters& registers) {
  SessionPage& page = the_agent.session.page();
  LastStop expected = LastStop::kNone;
  if (page.last_stop.load(std::memory_order_acquire) == LastStop::kNone) {
    static constinit std::atomic<int32_t> asking_process{0};  // a fork's child has its parent's
    if (asking_process.exchange(the_agent.process, std::memory_order_acq_rel) != the_agent.process) {
      page.last_stop_tid = static_cast<uint32_t>(thread_id());
      page.last_stop_signal = static_cast<uint32_t>(signal);
      page.last_registers = registers;
      page.last_stop.compare_exchange_strong(expected, LastStop::kAsked, std::memory_order_acq_rel);
    }
  }
  wake_recorder();
  const uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
  for (;;) {
    const LastStop now = page.last_stop.load(std::memory_order_acquire);
    const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    if (now == LastStop::kDone || recording_is_over(now_ns) ||
        (now != LastStop::kUnderWay && now_ns - start_ns > kLongestStartNs)) {
      return;
    }
    const timespec limit{0, kOneWaitNs};
    raw_syscall(SYS_futex, raw_pointer(&page.last_stop), FUTEX_WAIT, static_cast<long>(now), raw_pointer(&limit));
  }
}

}  // namespace

void stop_before_death(int signal, const ucontext_t& context) {
  if (!is_wanted()) {
    return;
  }
  const greg_t* registers = context.uc_mcontext.gregs;
  LastRegisters last{};
  last.stack_pointer = static_cast<uint64_t>(registers[REG_RSP]);
  last.thread_pointer = thread_table::thread_pointer();
  size_t count = 0;
  for (const int index : {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_R8, REG_R9, REG_R10,
                          REG_R11, REG_R12, REG_R13, REG_R14, REG_R15}) {
    last.values[count++] = static_cast<uint64_t>(registers[index]);
  }
  wait_for_recorder_at_end(signal, last);
}

// What the caller's registers hold may have been put on the stack by now, which is searched from here on.
void stop_before_exit_call() {
  if (!is_wanted()) {
    return;
  }
  const uint64_t mask = set_signal_mask(SIG_SETMASK, kAllSignals);
  LastRegisters last{};
  asm volatile(
      "mov %%rsp, %0\n mov %%rbx, %1\n mov %%rbp, %2\n mov %%r12, %3\n mov %%r13, %4\n mov %%r14, %5\n mov %%r15, %6"
      : "=m"(last.stack_pointer), "=m"(last.values[0]), "=m"(last.values[1]), "=m"(last.values[2]),
        "=m"(last.values[3]), "=m"(last.values[4]), "=m"(last.values[5]));
  last.thread_pointer = thread_table::thread_pointer();
  wait_for_recorder_at_end(0, last);
  set_signal_mask(SIG_SETMASK, mask);
}

}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: called from assembly by a C name

// What a function has to keep, in the order in which the hook stores it.
struct KeptRegisters {
  uint64_t stack_pointer;
  uint64_t values[6];
};

extern "C" __attribute__((used, visibility("hidden"), noreturn)) void flarestack_at_exit(int status,
                                                                                         const KeptRegisters* kept) {
  if (is_wanted()) {
    set_signal_mask(SIG_SETMASK, kAllSignals);
    flarestack::LastRegisters last{};
    last.stack_pointer = kept->stack_pointer;
    last.thread_pointer = thread_table::thread_pointer();
    for (size_t i = 0; i < 6; ++i) {
      last.values[i] = kept->values[i];
    }
    wait_for_recorder_at_end(0, last);
  }
  for (;;) {
    flarestack::raw_syscall(SYS_exit_group, status);
  }
}

// Takes down KeptRegisters.
asm(R"(
    .text
    .globl flarestack_exit_hook
    .hidden flarestack_exit_hook
    .type flarestack_exit_hook, @function
    .p2align 4
flarestack_exit_hook:
    .cfi_startproc
    mov %rsp, %rax
    sub $56, %rsp
    .cfi_adjust_cfa_offset 56
    mov %rax, (%rsp)
    mov %rbx, 8(%rsp)
    mov %rbp, 16(%rsp)
    mov %r12, 24(%rsp)
    mov %r13, 32(%rsp)
    mov %r14, 40(%rsp)
    mov %r15, 48(%rsp)
    mov %rsp, %rsi
    call flarestack_at_exit
    ud2
    .cfi_endproc
    .size flarestack_exit_hook, .-flarestack_exit_hook
)");
extern "C" __attribute__((visibility("hidden"))) void flarestack_exit_hook();

void* flarestack::agent::exit_hook() { return reinterpret_cast<void*>(flarestack_exit_hook); }
