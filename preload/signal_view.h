// SPDX-License-Identifier: Apache-2.0
// What the program believes about our sample signal. The hooks of sigaction, sigprocmask and their relatives keep the
// real handler installed and the real mask open, and answer the program from here: it sees the action it set itself,
// and its own mask bit.
//
// If the signal is really sent to a thread that believes it blocked, it is surrendered: the real mask is closed, the
// signal is sent once more and now stays pending, and the thread is not sampled until it opens its mask or takes the
// signal by sigwait. Everything about pending signals is then the kernel's own doing.
//
// In a child of vfork, and of a fork that no handler of ours has seen, all is real too: it shares or copies our
// memory, but has no timers.
#pragma once

#include <ucontext.h>

#include <csignal>

#include "preload/thread_state.h"

namespace flarestack::agent {

// Whether it is the sample signal. [hook]
bool is_hidden_signal(long signal);

// What rt_sigaction(2) takes (struct sigaction in the kernel's arch/x86/include/uapi/asm/signal.h): libc's sigaction()
// would refuse or wrap some of it.
struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

// sigaction(2): by libc, or by ourselves in a static program, whose libc may be without a name, or not be set up yet.
// [hook]
int real_sigaction(int signal, const struct sigaction* action, struct sigaction* old_action);
// Whether the program can set its actions only past us. [hook]
bool can_change_actions_unseen();

// Installs our handler. False: the kernel refused. [init]
bool install_handler();
// On which stack it runs is another matter now: what there is to know of alternate ones has changed. [hook]
void settle_handler_stack();
// Gives the program's action back to the kernel: where there is no session, nothing is hidden. [hook]
void remove_handler();

// The program's own action for the sample signal; filled by install_handler() with the one it was started with.
struct sigaction* program_action();
// As the C library hands it to the kernel: with its own return from the handler. [hook]
struct sigaction with_restorer(const struct sigaction& action);
// As rt_sigaction(2): stores the action as the kernel would, and shows the previous one. [hook]
void change_program_action(const struct sigaction* action, struct sigaction* old_action);

// A sample signal that somebody sent (kill, tgkill, sigqueue) is the program's: calls its handler, ignores it, or dies
// by it, as the program's own action says. Called with all signals blocked. [signal]
void deliver_to_program(int signal, siginfo_t* info, void* context);
// Whether it is a trap of the program's own (int3, a watchpoint) that nothing but its death can answer: the thread
// believes it blocked, or there is no handler. [signal]
bool is_deadly_trap(int signal, const siginfo_t& info, const ThreadState* thread);
// Dies of it, where it stopped. [signal]
void die_by_trap(int signal, ucontext_t& context);
// The same as deliver_to_program() for a thread that believes it blocked; `context` is what the handler returns to.
// [signal]
void surrender_signal(ThreadState& thread, const siginfo_t& info, ucontext_t& context);
// Takes the signal back from the calling thread, whose real mask is open for it again. [hook]
void take_back_signal(ThreadState& thread);

// Opens the real mask of the calling thread for our signal. Whether it was closed. [hook]
bool open_signal_mask();

// Whether this is a copy or a borrower of the process that the agent knows. In the first call in such a process the
// calling thread's real mask becomes what the program believes; from then on the hooks hide nothing. [hook]
bool is_other_process(ThreadState* thread);

// Before an exec: gives the kernel the action and mask that the program believes in, since they are inherited. The
// return value restores ours when the exec fails. [hook]
struct ExecSignals {
  unsigned long mask;
  bool ignored;
};
ExecSignals reveal_signals();
void hide_signals(const ExecSignals& saved);

}  // namespace flarestack::agent
