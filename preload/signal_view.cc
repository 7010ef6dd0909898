// SPDX-License-Identifier: Apache-2.0
#include "preload/signal_view.h"

#include <sys/syscall.h>

#include <atomic>
#include <cstdint>

#include "preload/agent.h"
#include "preload/alternate_stack.h"
#include "preload/last_stop.h"
#include "preload/next.h"
#include "preload/sample_timer.h"
#include "preload/sampler.h"
#include "preload/sandbox.h"
#include "preload/system.h"

// What libc has for the purpose, byte by byte: debuggers and unwinders know a signal frame by it.
asm(R"(
    .text
    .hidden flarestack_return_from_handler
    .globl flarestack_return_from_handler
    .type flarestack_return_from_handler, @function
    .p2align 4
    nop
flarestack_return_from_handler:
    mov $15, %rax
    syscall
    .size flarestack_return_from_handler, .-flarestack_return_from_handler
)");
extern "C" __attribute__((visibility("hidden"))) void flarestack_return_from_handler();

namespace flarestack::agent {
namespace {

constexpr int kRestorerFlag = 0x04000000;  // arch/x86/include/uapi/asm/signal.h
constinit struct sigaction the_program_action {};
using Restorer = void (*)();
constinit Restorer the_restorer = nullptr;  // the C library's, which it puts into every action
// The program has asked once for an alternate stack for this very signal, as the Go runtime does for all of them: the
// stacks of its goroutines are too small for any signal frame. So ours goes there, too, from then on.
constinit std::atomic<bool> on_alternate_stack{false};

void die_by(int signal) {
  const KernelAction defaults{};
  raw_syscall(SYS_rt_sigaction, signal, raw_pointer(&defaults), 0, sizeof(uint64_t));
  raw_syscall(SYS_tgkill, process_id(), thread_id(), signal);
  set_signal_mask(SIG_UNBLOCK, uint64_t{1} << (signal - 1));
}

int sample_signal() { return static_cast<int>(the_agent.session.page().sample_signal); }

}  // namespace

bool can_change_actions_unseen() {
  return next().sigaction == nullptr && (the_agent.program.is_static == 0 || the_agent.program.has_names == 0);
}

int real_sigaction(int signal, const struct sigaction* action, struct sigaction* old_action) {
  if (the_agent.program.is_static == 0) {
    return next().sigaction != nullptr ? next().sigaction(signal, action, old_action) : -1;
  }
  KernelAction asked{};
  KernelAction old{};
  if (action != nullptr) {
    asked = {action->sa_handler, static_cast<unsigned long>(action->sa_flags | kRestorerFlag),
             action->sa_restorer != nullptr ? action->sa_restorer : flarestack_return_from_handler,
             action->sa_mask.__val[0]};
  }
  const long result = raw_syscall(SYS_rt_sigaction, signal, raw_pointer(action != nullptr ? &asked : nullptr),
                                  raw_pointer(old_action != nullptr ? &old : nullptr), sizeof(uint64_t));
  if (!raw_failed(result) && old_action != nullptr) {
    *old_action = {};
    old_action->sa_handler = old.handler;
    old_action->sa_flags = static_cast<int>(old.flags);
    old_action->sa_restorer = old.restorer;
    old_action->sa_mask.__val[0] = old.mask;
  }
  return raw_failed(result) ? -1 : 0;
}

bool is_hidden_signal(long signal) { return the_agent.session && signal == sample_signal(); }

// The program's own handler of the signal is called from ours, and on the stack that it has asked for.
static bool runs_on_alternate_stack() {
  const bool is_handled = the_program_action.sa_handler != SIG_DFL && the_program_action.sa_handler != SIG_IGN;
  return on_alternate_stack.load(std::memory_order_relaxed) || (!is_handled && have_room_on_alternate_stacks());
}

void settle_handler_stack() {
  struct sigaction ours {};
  if (!the_agent.session || real_sigaction(sample_signal(), nullptr, &ours) != 0 ||
      ours.sa_sigaction != handle_sample_signal) {
    return;
  }
  const int flags = (ours.sa_flags & ~SA_ONSTACK) | (runs_on_alternate_stack() ? SA_ONSTACK : 0);
  if (flags != ours.sa_flags) {
    ours.sa_flags = flags;
    real_sigaction(sample_signal(), &ours, nullptr);
  }
}

bool install_handler() {
  struct sigaction action {};
  action.sa_sigaction = handle_sample_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | (runs_on_alternate_stack() ? SA_ONSTACK : 0);
  for (auto& word : action.sa_mask.__val) {
    word = ~0UL;
  }
  struct sigaction installed {};
  if (real_sigaction(sample_signal(), &action, &the_program_action) != 0) {
    return false;
  }
  real_sigaction(sample_signal(), nullptr, &installed);
  the_restorer = installed.sa_restorer;
  return true;
}

void remove_handler() { real_sigaction(sample_signal(), &the_program_action, nullptr); }

struct sigaction* program_action() {
  return &the_program_action;
}

struct sigaction with_restorer(const struct sigaction& action) {
  struct sigaction result = action;
  result.sa_flags |= kRestorerFlag;
  result.sa_restorer = the_restorer;
  return result;
}

void change_program_action(const struct sigaction* action, struct sigaction* old_action) {
  // The flags that Linux keeps: include/uapi/asm-generic/signal-defs.h.
  constexpr int kTagBitsFlag = 0x00000800;
  constexpr int kKeptFlags = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |
                             static_cast<int>(SA_RESETHAND) | kTagBitsFlag | kRestorerFlag;
  struct sigaction changed {};
  if (action != nullptr) {  // may be the same object as `old_action`
    changed = *action;
    changed.sa_flags &= kKeptFlags;
    changed.sa_mask.__val[0] &= ~(uint64_t{1} << (SIGKILL - 1) | uint64_t{1} << (SIGSTOP - 1));
  }
  if (old_action != nullptr) {
    *old_action = the_program_action;
  }
  if (action == nullptr) {
    return;
  }
  const bool handled = changed.sa_handler != SIG_DFL && changed.sa_handler != SIG_IGN;
  if (handled && (changed.sa_flags & SA_ONSTACK) != 0 &&
      !on_alternate_stack.exchange(true, std::memory_order_relaxed)) {
    install_handler();
  }
  the_program_action = changed;
  settle_handler_stack();
}

void deliver_to_program(int signal, siginfo_t* info, void* context) {
  struct sigaction& action = the_program_action;
  if (action.sa_handler == SIG_IGN) {
    return;
  }
  if (action.sa_handler == SIG_DFL) {
    stop_before_death(signal, *static_cast<ucontext_t*>(context));
    die_by(signal);
    return;
  }
  const uint64_t interrupted = static_cast<ucontext_t*>(context)->uc_sigmask.__val[0];
  const uint64_t own = (action.sa_flags & SA_NODEFER) != 0 ? 0 : uint64_t{1} << (signal - 1);
  const uint64_t ours = set_signal_mask(SIG_SETMASK, interrupted | action.sa_mask.__val[0] | own);
  const struct sigaction called = action;
  if ((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    action.sa_handler = SIG_DFL;
  }
  if ((called.sa_flags & SA_SIGINFO) != 0) {
    called.sa_sigaction(signal, info, context);
  } else {
    called.sa_handler(signal);
  }
  set_signal_mask(SIG_SETMASK, ours);
}

bool is_deadly_trap(int signal, const siginfo_t& info, const ThreadState* thread) {
  // Another perf event's is sent, not forced.
  return signal == SIGTRAP && info.si_code > 0 && info.si_code != kTrapPerf &&
         ((thread != nullptr && thread->signal_blocked) || the_program_action.sa_handler == SIG_DFL ||
          the_program_action.sa_handler == SIG_IGN);
}

void die_by_trap(int signal, ucontext_t& context) {
  constexpr uint8_t kInt3 = 0xcc;
  greg_t& next_instruction = context.uc_mcontext.gregs[REG_RIP];
  uint8_t trap = 0;
  stop_before_death(signal, context);
  if (!safe_read(&trap, reinterpret_cast<const void*>(next_instruction - 1), 1) || trap != kInt3) {
    die_by(signal);
    return;
  }
  // Run again it ends the process as if we were absent, core and all.
  const KernelAction defaults{};
  raw_syscall(SYS_rt_sigaction, signal, raw_pointer(&defaults), 0, sizeof(uint64_t));
  --next_instruction;
  context.uc_sigmask.__val[0] &= ~sample_signal_bit();
}

void surrender_signal(ThreadState& thread, const siginfo_t& info, ucontext_t& context) {
  disarm(thread);
  thread.signal_surrendered = true;
  context.uc_sigmask.__val[0] |= sample_signal_bit();
  // All signals are blocked here: it stays pending, or goes to a thread that has not blocked it.
  if (info.si_code == SI_TKILL) {
    raw_syscall(SYS_rt_tgsigqueueinfo, process_id(), thread_id(), info.si_signo, raw_pointer(&info));
  } else {
    raw_syscall(SYS_rt_sigqueueinfo, process_id(), info.si_signo, raw_pointer(&info));
  }
}

void take_back_signal(ThreadState& thread) {
  if (thread.signal_surrendered) {
    thread.signal_surrendered = false;
    arm(thread, clock_ns(CLOCK_THREAD_CPUTIME_ID));
    set_signal_mask(SIG_UNBLOCK, sample_signal_bit());
  }
}

bool open_signal_mask() {
  const uint64_t bit = sample_signal_bit();
  return bit != 0 && (set_signal_mask(SIG_UNBLOCK, bit) & bit) != 0;
}

bool is_other_process(ThreadState* thread) {
  // Where getpid is forbidden, so are the processes that would make a difference.
  if (!sandbox_allows(Deed::kSample)) {
    return false;
  }
  const int32_t process = process_id();
  if (process == the_agent.process) {
    return false;
  }
  if (thread != nullptr && thread->revealed_process != process) {
    thread->revealed_process = process;
    if (thread->signal_blocked) {
      set_signal_mask(SIG_BLOCK, sample_signal_bit());
    }
  }
  return true;
}

ExecSignals reveal_signals() {
  ExecSignals saved{set_signal_mask(SIG_BLOCK, 0), false};
  ThreadState* thread = this_thread();
  if (!is_other_process(thread) && thread != nullptr && thread->signal_blocked) {
    set_signal_mask(SIG_BLOCK, sample_signal_bit());
  }
  if (sample_signal_bit() != 0 && the_program_action.sa_handler == SIG_IGN) {
    struct sigaction real {};
    real_sigaction(sample_signal(), nullptr, &real);
    saved.ignored = real.sa_sigaction == handle_sample_signal;  // or else a vfork child has set its own
    if (saved.ignored) {
      real_sigaction(sample_signal(), &the_program_action, nullptr);
    }
  }
  return saved;
}

void hide_signals(const ExecSignals& saved) {
  if (saved.ignored) {
    struct sigaction ignored = the_program_action;
    install_handler();
    the_program_action = ignored;
  }
  set_signal_mask(SIG_SETMASK, saved.mask);
}

}  // namespace flarestack::agent
