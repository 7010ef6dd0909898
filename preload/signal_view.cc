// SPDX-License-Identifier: Apache-2.0
#include "preload/signal_view.h"

#include <sys/syscall.h>
#include <ucontext.h>

#include <cstdint>

#include "preload/agent.h"
#include "preload/next.h"
#include "preload/sampler.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

constinit struct sigaction the_program_action {};
// The same action by the kernel's own call, to give back what libc's sigaction would refuse or wrap.
struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

void die_by(int signal) {
  const KernelAction defaults{};
  raw_syscall(SYS_rt_sigaction, signal, raw_pointer(&defaults), 0, sizeof(uint64_t));
  raw_syscall(SYS_tgkill, process_id(), thread_id(), signal);
  set_signal_mask(SIG_UNBLOCK, uint64_t{1} << (signal - 1));
}

}  // namespace

struct sigaction* program_action() { return &the_program_action; }

void deliver_to_program(int signal, siginfo_t* info, void* context) {
  struct sigaction& action = the_program_action;
  if (action.sa_handler == SIG_IGN) {
    return;
  }
  if (action.sa_handler == SIG_DFL) {
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

void open_signal_mask() {
  const uint64_t bit = sample_signal_bit();
  const uint64_t previous = bit != 0 ? set_signal_mask(SIG_UNBLOCK, bit) : 0;
  if (ThreadState* thread = this_thread()) {
    thread->signal_blocked = (previous & bit) != 0;
  }
}

ExecSignals reveal_signals() {
  ExecSignals saved{set_signal_mask(SIG_BLOCK, 0), false};
  const ThreadState* thread = this_thread();
  if (thread != nullptr && thread->signal_blocked) {
    set_signal_mask(SIG_BLOCK, sample_signal_bit());
  }
  if (sample_signal_bit() != 0 && the_program_action.sa_handler == SIG_IGN && next().sigaction != nullptr) {
    saved.ignored = true;
    next().sigaction(static_cast<int>(the_agent.session.page().sample_signal), &the_program_action, nullptr);
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
