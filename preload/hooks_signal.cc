// SPDX-License-Identifier: Apache-2.0
// Hides the sample signal from the program: see signal_view.h. Each hook is what the C library documents, but for the
// one signal. Masks passed to ppoll, pselect, epoll_pwait and sigsuspend need no hook: our timer does not fire in a
// thread that sleeps. siglongjmp, setcontext and a return from a handler restore the real mask, not what the program
// believes of ours.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "preload/agent.h"
#include "preload/alternate_stack.h"
#include "preload/fatal_signals.h"
#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sample_timer.h"
#include "preload/sampler.h"
#include "preload/signal_view.h"

namespace flarestack::agent {
namespace {

// `set` without our signal. sigset_t's first word holds signals 1 to 64, all there are.
sigset_t without_ours(const sigset_t& set) {
  sigset_t result = set;
  result.__val[0] &= ~sample_signal_bit();
  return result;
}

// The calling thread, if something is hidden from it: nullptr in a thread, or in another process, where all is real.
ThreadState* deceived_thread() {
  ThreadState* thread = the_agent.session ? this_thread() : nullptr;
  return thread != nullptr && !is_other_process(thread) ? thread : nullptr;
}

// Answers a change of the mask: what the program believes before and after.
template <typename Real>
int change_mask(Real real, int how, const sigset_t* set, sigset_t* old_set) {
  ThreadState* thread = deceived_thread();
  if (thread == nullptr) {
    return real(how, set, old_set);
  }
  const uint64_t bit = sample_signal_bit();
  const bool was_blocked = thread->signal_blocked;
  const bool was_surrendered = thread->signal_surrendered;
  const bool kept_out = is_kept_out_here();
  bool blocked = was_blocked;
  sigset_t filtered;
  if (set != nullptr) {
    const bool named = (set->__val[0] & bit) != 0;
    blocked = how == SIG_SETMASK ? named : (how == SIG_BLOCK ? was_blocked || named : was_blocked && !named);
    filtered = was_surrendered ? *set : without_ours(*set);
    filtered.__val[0] |= how == SIG_SETMASK && kept_out ? bit : 0;
  }
  // Before the call: it may let a pending signal through.
  thread->signal_blocked = blocked;
  const int result = real(how, set != nullptr ? &filtered : nullptr, old_set);
  if (result != 0) {
    thread->signal_blocked = was_blocked;
    return result;
  }
  if (old_set != nullptr) {
    // While the program handles our signal it is blocked in truth.
    *old_set = kept_out ? without_ours(*old_set) : *old_set;
    old_set->__val[0] |= was_blocked ? bit : 0;
  }
  if (was_surrendered && !blocked) {
    take_back_signal(*thread);
  }
  return result;
}

// Bit n-1: the program's action for signal n blocks our signal while its handler runs, or so it believes.
constinit std::atomic<uint64_t> actions_naming_ours{0};

void forget_naming(int signal_number) {
  if (signal_number >= 1 && signal_number <= 64 && !is_other_process(nullptr)) {
    actions_naming_ours.fetch_and(~(uint64_t{1} << (signal_number - 1)), std::memory_order_relaxed);
  }
}

// After signal() or a relative has replaced it, with what that returned.
sighandler_t after_setting(sighandler_t result, int signal_number) {
  if (result != SIG_ERR) {
    forget_naming(signal_number);
    if (!is_other_process(nullptr)) {
      hide_default_again(signal_number);
    }
  }
  return show_default(result);
}

// siginterrupt() was asked to have calls interrupted.
constinit std::atomic<bool> interrupts{false};

// Sets the program's own handler for the hidden signal, as signal() and its relatives do.
sighandler_t set_hidden_handler(sighandler_t handler, int flags, uint64_t mask) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  action.sa_mask.__val[0] = mask;
  struct sigaction previous {};
  sigaction(static_cast<int>(the_agent.session.page().sample_signal), &action, &previous);
  return previous.sa_handler;
}

sighandler_t bsd_signal_action(int signal_number, sighandler_t handler) {
  if (!is_hidden_signal(signal_number)) {
    return after_setting(next().signal(signal_number, handler), signal_number);
  }
  return set_hidden_handler(handler, interrupts.load(std::memory_order_relaxed) ? 0 : SA_RESTART, sample_signal_bit());
}

// In a process that is not the agent's the signal is not hidden, but the handler is ours until it sets its own.
int real_action(int signal, const struct sigaction* action, struct sigaction* old_action) {
  const int result = next().sigaction(signal, action, old_action);
  if (result == 0 && old_action != nullptr) {
    show_default(signal, *old_action);
    if (is_hidden_signal(signal) && old_action->sa_sigaction == handle_sample_signal) {
      *old_action = *program_action();
    } else if (signal <= 64 && (actions_naming_ours.load(std::memory_order_relaxed) >> (signal - 1) & 1) != 0) {
      old_action->sa_mask.__val[0] |= sample_signal_bit();
    }
  }
  return result;
}

bool names_ours(const sigset_t* set) { return set != nullptr && (set->__val[0] & sample_signal_bit()) != 0; }

// A tick of a POSIX timer may be pending while a signalfd is read, and would be taken for the program's: that one
// signal is then not read from descriptors. Those of a perf event are delivered before the next system call.
bool ticks_never_pend() {
  const SessionView session = the_agent.session;
  return !session || (session.page().sample_clock != SampleClock::kPosixCpuTimer &&
                      session.page().timer_errno.load(std::memory_order_relaxed) == 0);
}

int change_old_mask(int how, int mask) {
  sigset_t set{};
  set.__val[0] = static_cast<uint32_t>(mask);
  sigset_t previous{};
  const int result = sigprocmask(how, &set, &previous);
  return result == 0 ? static_cast<int>(previous.__val[0]) : result;
}

// Waits by `wait(info)` for signals, ours among them: a tick of a POSIX timer that came in between is passed over.
template <typename Wait>
int wait_for_signal(siginfo_t* info, Wait wait) {
  siginfo_t taken;
  int result;
  do {
    result = wait(&taken);
  } while (result > 0 && is_hidden_signal(result) && is_tick(taken));
  if (result > 0 && info != nullptr) {
    *info = taken;
  }
  if (result > 0 && is_hidden_signal(result)) {
    if (ThreadState* thread = deceived_thread()) {
      take_back_signal(*thread);
    }
  }
  return result;
}

}  // namespace
}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK int sigaction(int signal, const struct sigaction* action, struct sigaction* old_action) noexcept {
  const uint64_t ours = sample_signal_bit();
  if (ours == 0 || signal < 1 || signal > 64) {
    return next().sigaction(signal, action, old_action);
  }
  if (is_other_process(nullptr)) {
    return real_action(signal, action, old_action);
  }
  if (is_hidden_signal(signal)) {
    const struct sigaction changed = action != nullptr ? with_restorer(*action) : *program_action();
    change_program_action(action != nullptr ? &changed : nullptr, old_action);
    return 0;
  }
  // Our signal stays open while the program's handlers run: their time is seen, too.
  const uint64_t own = uint64_t{1} << (signal - 1);
  const bool named_before = (actions_naming_ours.load(std::memory_order_relaxed) & own) != 0;
  struct sigaction filtered {};
  bool named = named_before;
  if (action != nullptr) {
    filtered = *action;
    filtered.sa_mask = without_ours(action->sa_mask);
    filtered.sa_mask.__val[0] |= mask_for_action(signal, action->sa_flags);
    named = (action->sa_mask.__val[0] & ours) != 0;
  }
  const struct sigaction* installed = action != nullptr ? &filtered : nullptr;
  const struct sigaction* instead = action != nullptr ? instead_of_default(signal, filtered) : nullptr;
  const int result = next().sigaction(signal, instead != nullptr ? instead : installed, old_action);
  if (result != 0) {
    return result;
  }
  if (old_action != nullptr) {
    show_default(signal, *old_action);
  }
  if (instead != nullptr) {
    keep_default(signal, with_restorer(filtered));
  }
  if (named != named_before) {
    actions_naming_ours.fetch_xor(own, std::memory_order_relaxed);
  }
  if (old_action != nullptr) {
    old_action->sa_mask = without_ours(old_action->sa_mask);
    old_action->sa_mask.__val[0] |= named_before ? ours : 0;
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
  return bsd_signal_action(signal_number, handler);
}

FLARESTACK_HOOK sighandler_t bsd_signal(int signal_number, sighandler_t handler) noexcept {
  return bsd_signal_action(signal_number, handler);
}

FLARESTACK_HOOK sighandler_t ssignal(int signal_number, sighandler_t handler) noexcept {
  return bsd_signal_action(signal_number, handler);
}

FLARESTACK_HOOK sighandler_t sysv_signal(int signal_number, sighandler_t handler) noexcept {
  constexpr int kSystemV = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
  return is_hidden_signal(signal_number) ? set_hidden_handler(handler, kSystemV, 0)
                                         : after_setting(next().sysv_signal(signal_number, handler), signal_number);
}

FLARESTACK_HOOK int sigignore(int signal_number) noexcept {
  if (is_hidden_signal(signal_number)) {
    set_hidden_handler(SIG_IGN, 0, 0);
    return 0;
  }
  const int result = next().sigignore(signal_number);
  if (result == 0) {
    forget_naming(signal_number);
  }
  return result;
}

FLARESTACK_HOOK int siginterrupt(int signal_number, int interrupt) noexcept {
  if (!is_hidden_signal(signal_number)) {
    return next().siginterrupt(signal_number, interrupt);
  }
  struct sigaction action {};
  sigaction(signal_number, nullptr, &action);
  interrupts.store(interrupt != 0, std::memory_order_relaxed);
  action.sa_flags = interrupt != 0 ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
  return sigaction(signal_number, &action, nullptr);
}

FLARESTACK_HOOK int sighold(int signal_number) noexcept {
  sigset_t set{};
  set.__val[0] = uint64_t{1} << ((signal_number - 1) & 63);
  return is_hidden_signal(signal_number) ? sigprocmask(SIG_BLOCK, &set, nullptr) : next().sighold(signal_number);
}

FLARESTACK_HOOK int sigrelse(int signal_number) noexcept {
  sigset_t set{};
  set.__val[0] = uint64_t{1} << ((signal_number - 1) & 63);
  return is_hidden_signal(signal_number) ? sigprocmask(SIG_UNBLOCK, &set, nullptr) : next().sigrelse(signal_number);
}

FLARESTACK_HOOK sighandler_t sigset(int signal_number, sighandler_t disposition) noexcept {
  if (!is_hidden_signal(signal_number)) {
    const sighandler_t result = next().sigset(signal_number, disposition);
    return disposition == SIG_HOLD ? show_default(result) : after_setting(result, signal_number);
  }
  sigset_t set{};
  set.__val[0] = sample_signal_bit();
  sigset_t previous{};
  sighandler_t old;
  if (disposition == SIG_HOLD) {
    struct sigaction action {};
    sigprocmask(SIG_BLOCK, &set, &previous);
    sigaction(signal_number, nullptr, &action);
    old = action.sa_handler;
  } else {
    old = set_hidden_handler(disposition, 0, 0);
    sigprocmask(SIG_UNBLOCK, &set, &previous);
  }
  return names_ours(&previous) ? SIG_HOLD : old;
}

// glibc's older interface to the mask, for signals 1 to 32.
FLARESTACK_HOOK int sigblock(int mask) noexcept { return change_old_mask(SIG_BLOCK, mask); }
FLARESTACK_HOOK int sigsetmask(int mask) noexcept { return change_old_mask(SIG_SETMASK, mask); }
FLARESTACK_HOOK int siggetmask() noexcept { return change_old_mask(SIG_BLOCK, 0); }

FLARESTACK_HOOK int sigpending(sigset_t* set) noexcept {
  const int result = next().sigpending(set);
  const ThreadState* thread = result == 0 ? deceived_thread() : nullptr;
  if (thread != nullptr && !thread->signal_surrendered) {
    *set = without_ours(*set);  // a tick: what is sent by others does not stay pending
  }
  return result;
}

FLARESTACK_HOOK int sigwait(const sigset_t* set, int* signal_number) {
  if (!names_ours(set) || next().errno_location == nullptr) {
    return next().sigwait(set, signal_number);
  }
  int result;
  do {
    result = wait_for_signal(nullptr, [&](siginfo_t* taken) { return next().sigwaitinfo(set, taken); });
  } while (result < 0 && *next().errno_location() == EINTR);
  if (result < 0) {
    return *next().errno_location();
  }
  *signal_number = result;
  return 0;
}

FLARESTACK_HOOK int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  return names_ours(set) ? wait_for_signal(info, [&](siginfo_t* taken) { return next().sigwaitinfo(set, taken); })
                         : next().sigwaitinfo(set, info);
}

FLARESTACK_HOOK int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  return names_ours(set)
             ? wait_for_signal(info, [&](siginfo_t* taken) { return next().sigtimedwait(set, taken, timeout); })
             : next().sigtimedwait(set, info, timeout);
}

FLARESTACK_HOOK int signalfd(int descriptor, const sigset_t* set, int flags) noexcept {
  if (set == nullptr || ticks_never_pend()) {
    return next().signalfd(descriptor, set, flags);
  }
  const sigset_t filtered = without_ours(*set);
  return next().signalfd(descriptor, &filtered, flags);
}
