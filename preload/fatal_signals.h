// SPDX-License-Identifier: Apache-2.0
// Signals whose default action ends the program, while that is its action: a handler of ours then has the recorder look
// at what is still allocated (last_stop.h), and the process dies of the same signal as if we were absent: of a fault by
// running the instruction again, of any other by sending it once more with its siginfo. The program sees its default
// action as it set it.
//
// Not so in a Go program (its runtime looks for other handlers by system calls of its own, and calls them), in process
// 1 of a pid namespace (which such a signal does not end), and once the program has installed a seccomp filter. What
// overflows its stack dies at once: there is no room for a handler.
#pragma once

#include <csignal>

namespace flarestack::agent {

// Takes the place of all default actions that end the program. [init]
void hide_fatal_signals();
// Gives all of them back to the kernel, for good. [hook]
void reveal_fatal_signals();

// What to install where the program asks for the default action of the signal: ours, or nullptr: what it asks for.
// [hook]
const struct sigaction* instead_of_default(int signal, const struct sigaction& asked);
// That has been installed, and the program believes in what it asked for. [hook]
void keep_default(int signal, const struct sigaction& asked);
// After the program has set an action by signal() or a relative. [hook]
void hide_default_again(int signal);
// The C library has put the action of the signal back, which leaves its mark (SA_RESTORER) in a default one. [hook]
void mark_default(int signal);
// What the program is shown of an action that was in place. [hook]
void show_default(int signal, struct sigaction& action);
sighandler_t show_default(sighandler_t handler);

}  // namespace flarestack::agent
