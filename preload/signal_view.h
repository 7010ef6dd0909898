// SPDX-License-Identifier: Apache-2.0
// What the program believes about our sample signal. The hooks of sigaction, sigprocmask and their relatives keep the real
// handler installed and the real mask open, and answer the program from here: it sees the action it set itself, and its
// own mask bit.
#pragma once

#include <signal.h>

namespace flarestack::agent {

// The program's own action for the sample signal; filled by install_handler() with the one it was started with.
struct sigaction* program_action();

// A sample signal that somebody sent (kill, tgkill, sigqueue) is the program's: calls its handler, ignores it, or dies by
// it, as the program's own action says. Called with all signals blocked. [signal]
void deliver_to_program(int signal, siginfo_t* info, void* context);

// Opens the real mask of the calling thread for our signal and remembers what the program believes. [hook]
void open_signal_mask();

// Before an exec: gives the kernel the action and mask that the program believes in, since they are inherited. The return
// value restores ours when the exec fails. [hook]
struct ExecSignals {
  unsigned long mask;
  bool ignored;
};
ExecSignals reveal_signals();
void hide_signals(const ExecSignals& saved);

}  // namespace flarestack::agent
