// SPDX-License-Identifier: Apache-2.0
#include "preload/fatal_signals.h"

#include <sys/syscall.h>

#include <atomic>
#include <cstdint>

#include "preload/agent.h"
#include "preload/last_stop.h"
#include "preload/next.h"
#include "preload/next_symbol.h"
#include "preload/signal_view.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

// signal(7): those with the default action Term or Core, but SIGKILL and the real-time signals.
constexpr int kFatalSignals[] = {SIGHUP,  SIGINT,    SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,  SIGBUS,  SIGFPE,
                                 SIGUSR1, SIGSEGV,   SIGUSR2, SIGPIPE, SIGALRM, SIGTERM,  SIGXCPU, SIGXFSZ,
                                 SIGPROF, SIGVTALRM, SIGIO,   SIGPWR,  SIGSYS,  SIGSTKFLT};
constexpr int kSignals = 65;

constinit std::atomic<bool> hiding{false};
// What the program's default actions have besides the handler.
struct Shown {
  int flags;
  uint64_t mask;
  void (*restorer)();
};
constinit Shown shown[kSignals] = {};
constinit struct sigaction our_action {};

bool is_fatal(int signal) {
  bool found = false;
  for (const int fatal : kFatalSignals) {
    found = found || fatal == signal;
  }
  return found && !is_hidden_signal(signal);
}

// Whether the kernel raises it again when the instruction is run again.
bool is_fault(int signal, const siginfo_t& info) {
  return info.si_code > 0 && (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL);
}

void handle_fatal_signal(int signal, siginfo_t* info, void* context) {
  stop_before_death(signal, *static_cast<ucontext_t*>(context));
  const KernelAction defaults{};
  raw_syscall(SYS_rt_sigaction, signal, raw_pointer(&defaults), 0, sizeof(uint64_t));
  if (!is_fault(signal, *info)) {
    raw_syscall(SYS_rt_tgsigqueueinfo, process_id(), thread_id(), signal, raw_pointer(info));
  }
}

bool is_ours(const struct sigaction& action) { return action.sa_sigaction == handle_fatal_signal; }

}  // namespace

void hide_fatal_signals() {
  constexpr int kFirstProcess = 1;
  if (can_change_actions_unseen() || process_id() == kFirstProcess || executable_has_note("Go")) {
    return;
  }
  our_action.sa_sigaction = handle_fatal_signal;
  our_action.sa_flags = SA_SIGINFO;
  for (auto& word : our_action.sa_mask.__val) {
    word = ~0UL;
  }
  hiding.store(true, std::memory_order_relaxed);
  for (const int signal : kFatalSignals) {
    hide_default_again(signal);
  }
}

void reveal_fatal_signals() {
  if (!hiding.exchange(false, std::memory_order_relaxed)) {
    return;
  }
  for (const int signal : kFatalSignals) {
    struct sigaction present {};
    if (is_fatal(signal) && real_sigaction(signal, nullptr, &present) == 0 && is_ours(present)) {
      show_default(signal, present);
      real_sigaction(signal, &present, nullptr);
    }
  }
}

const struct sigaction* instead_of_default(int signal, const struct sigaction& asked) {
  const bool is_hidden = hiding.load(std::memory_order_relaxed) && asked.sa_handler == SIG_DFL && is_fatal(signal);
  return is_hidden ? &our_action : nullptr;
}

void keep_default(int signal, const struct sigaction& asked) {
  shown[signal] = {asked.sa_flags, asked.sa_mask.__val[0], asked.sa_restorer};
}

void hide_default_again(int signal) {
  struct sigaction present {};
  if (hiding.load(std::memory_order_relaxed) && is_fatal(signal) && real_sigaction(signal, nullptr, &present) == 0 &&
      instead_of_default(signal, present) != nullptr) {
    keep_default(signal, present);
    real_sigaction(signal, &our_action, nullptr);
  }
}

void mark_default(int signal) {
  struct sigaction present {};
  if (hiding.load(std::memory_order_relaxed) && real_sigaction(signal, nullptr, &present) == 0 && is_ours(present)) {
    show_default(signal, present);
    keep_default(signal, with_restorer(present));
  }
}

void show_default(int signal, struct sigaction& action) {
  if (is_ours(action)) {
    action = {};
    action.sa_flags = shown[signal].flags;
    action.sa_restorer = shown[signal].restorer;
    action.sa_mask.__val[0] = shown[signal].mask;
  }
}

sighandler_t show_default(sighandler_t handler) {
  return raw_pointer(handler) == raw_pointer(handle_fatal_signal) ? SIG_DFL : handler;
}

}  // namespace flarestack::agent
