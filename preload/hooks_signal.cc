// SPDX-License-Identifier: Apache-2.0
// Hides the sample signal from the program: see signal_view.h. Each hook is what the C library documents, but for the one
// signal. Masks passed to ppoll, pselect, epoll_pwait and sigsuspend need no hook: our timer does not fire in a thread that
// sleeps. glibc's sigblock, sigsetmask, sigpause and sigvec call functions that are not interposed and are left alone: they
// can delay our signal, not lose the program's.
#include <signal.h>

#include <atomic>
#include <cstdint>

#include "preload/agent.h"
#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sampler.h"
#include "preload/signal_view.h"

namespace flarestack::agent {
namespace {

bool is_hidden(int signal) {
  return the_agent.session && signal == static_cast<int>(the_agent.session.page().sample_signal);
}

// `set` without our signal. sigset_t's first word holds signals 1 to 64, all there are.
sigset_t without_ours(const sigset_t& set) {
  sigset_t result = set;
  result.__val[0] &= ~sample_signal_bit();
  return result;
}

// Answers a change of the mask: what the program believes before and after.
template <typename Real>
int change_mask(Real real, int how, const sigset_t* set, sigset_t* old_set) {
  ThreadState* thread = the_agent.session ? this_thread() : nullptr;
  if (thread == nullptr) {
    if (set == nullptr || sample_signal_bit() == 0) {
      return real(how, set, old_set);
    }
    const sigset_t filtered = without_ours(*set);
    return real(how, &filtered, old_set);
  }
  const uint64_t bit = sample_signal_bit();
  const bool was_blocked = thread->signal_blocked;
  // Read before the call: `set` and `old_set` may be the same object.
  const bool named = set != nullptr && (set->__val[0] & bit) != 0;
  sigset_t filtered;
  if (set != nullptr) {
    filtered = without_ours(*set);
  }
  const int result = real(how, set != nullptr ? &filtered : nullptr, old_set);
  if (result != 0) {
    return result;
  }
  if (set != nullptr) {
    thread->signal_blocked = how == SIG_SETMASK ? named : (how == SIG_BLOCK ? was_blocked || named : was_blocked && !named);
  }
  if (old_set != nullptr && was_blocked) {
    old_set->__val[0] |= bit;
  }
  return result;
}

// Bit n-1: the program's action for signal n blocks our signal while its handler runs, or so it believes.
constinit std::atomic<uint64_t> actions_naming_ours{0};

// Sets the program's own handler for the hidden signal, as signal() and its relatives do.
sighandler_t set_hidden_handler(sighandler_t handler, int flags) {
  struct sigaction& action = *program_action();
  const sighandler_t previous = action.sa_handler;
  action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  return previous;
}

}  // namespace
}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK int sigaction(int signal, const struct sigaction* action, struct sigaction* old_action) noexcept {
  if (is_hidden(signal)) {
    const struct sigaction previous = *program_action();
    if (action != nullptr) {
      *program_action() = *action;
    }
    if (old_action != nullptr) {
      *old_action = previous;
    }
    return 0;
  }
  const uint64_t ours = sample_signal_bit();
  if (ours == 0 || signal < 1 || signal > 64) {
    return next().sigaction(signal, action, old_action);
  }
  // Our signal stays open while the program's handlers run: their time is seen, too.
  const uint64_t own = uint64_t{1} << (signal - 1);
  const bool named_before = (actions_naming_ours.load(std::memory_order_relaxed) & own) != 0;
  struct sigaction filtered {};
  bool named = named_before;
  if (action != nullptr) {
    filtered = *action;
    filtered.sa_mask = without_ours(action->sa_mask);
    named = (action->sa_mask.__val[0] & ours) != 0;
  }
  const int result = next().sigaction(signal, action != nullptr ? &filtered : nullptr, old_action);
  if (result != 0) {
    return result;
  }
  if (named != named_before) {
    actions_naming_ours.fetch_xor(own, std::memory_order_relaxed);
  }
  if (old_action != nullptr && named_before) {
    old_action->sa_mask.__val[0] |= ours;
  }
  return 0;
}

FLARESTACK_HOOK int sigprocmask(int how, const sigset_t* set, sigset_t* old_set) noexcept {
  return change_mask(next().sigprocmask, how, set, old_set);
}

FLARESTACK_HOOK int pthread_sigmask(int how, const sigset_t* set, sigset_t* old_set) noexcept {
  return change_mask(next().pthread_sigmask, how, set, old_set);
}

FLARESTACK_HOOK sighandler_t signal(int signal_number, sighandler_t handler) noexcept {
  return is_hidden(signal_number) ? set_hidden_handler(handler, SA_RESTART) : next().signal(signal_number, handler);
}

FLARESTACK_HOOK sighandler_t bsd_signal(int signal_number, sighandler_t handler) noexcept {
  return is_hidden(signal_number) ? set_hidden_handler(handler, SA_RESTART) : next().signal(signal_number, handler);
}

FLARESTACK_HOOK sighandler_t ssignal(int signal_number, sighandler_t handler) noexcept {
  return is_hidden(signal_number) ? set_hidden_handler(handler, SA_RESTART) : next().signal(signal_number, handler);
}

FLARESTACK_HOOK sighandler_t sysv_signal(int signal_number, sighandler_t handler) noexcept {
  constexpr int kSystemV = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
  return is_hidden(signal_number) ? set_hidden_handler(handler, kSystemV) : next().sysv_signal(signal_number, handler);
}

FLARESTACK_HOOK int sigignore(int signal_number) noexcept {
  if (is_hidden(signal_number)) {
    set_hidden_handler(SIG_IGN, 0);
    return 0;
  }
  return next().sigignore(signal_number);
}

FLARESTACK_HOOK int siginterrupt(int signal_number, int interrupt) noexcept {
  if (is_hidden(signal_number)) {
    int& flags = program_action()->sa_flags;
    flags = interrupt != 0 ? flags & ~SA_RESTART : flags | SA_RESTART;
    return 0;
  }
  return next().siginterrupt(signal_number, interrupt);
}

FLARESTACK_HOOK int sighold(int signal_number) noexcept {
  sigset_t set{};
  set.__val[0] = uint64_t{1} << ((signal_number - 1) & 63);
  return is_hidden(signal_number) ? sigprocmask(SIG_BLOCK, &set, nullptr) : next().sighold(signal_number);
}

FLARESTACK_HOOK int sigrelse(int signal_number) noexcept {
  sigset_t set{};
  set.__val[0] = uint64_t{1} << ((signal_number - 1) & 63);
  return is_hidden(signal_number) ? sigprocmask(SIG_UNBLOCK, &set, nullptr) : next().sigrelse(signal_number);
}

FLARESTACK_HOOK sighandler_t sigset(int signal_number, sighandler_t disposition) noexcept {
  if (!is_hidden(signal_number)) {
    return next().sigset(signal_number, disposition);
  }
  sigset_t set{};
  set.__val[0] = sample_signal_bit();
  sigset_t previous{};
  if (disposition == SIG_HOLD) {
    sigprocmask(SIG_BLOCK, &set, &previous);
    return (previous.__val[0] & sample_signal_bit()) != 0 ? SIG_HOLD : program_action()->sa_handler;
  }
  sigprocmask(SIG_UNBLOCK, &set, &previous);
  const sighandler_t old = set_hidden_handler(disposition, 0);
  return (previous.__val[0] & sample_signal_bit()) != 0 ? SIG_HOLD : old;
}

FLARESTACK_HOOK int sigwait(const sigset_t* set, int* signal_number) {
  const sigset_t filtered = without_ours(*set);
  return next().sigwait(&filtered, signal_number);
}

FLARESTACK_HOOK int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  const sigset_t filtered = without_ours(*set);
  return next().sigwaitinfo(&filtered, info);
}

FLARESTACK_HOOK int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  const sigset_t filtered = without_ours(*set);
  return next().sigtimedwait(&filtered, info, timeout);
}

FLARESTACK_HOOK int signalfd(int descriptor, const sigset_t* set, int flags) noexcept {
  if (set == nullptr) {
    return next().signalfd(descriptor, set, flags);
  }
  const sigset_t filtered = without_ours(*set);
  return next().signalfd(descriptor, &filtered, flags);
}
