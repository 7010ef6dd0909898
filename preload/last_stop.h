// SPDX-License-Identifier: Apache-2.0
// The last stop of the process: at the entry of libc's _exit, which return from main, exit and quick_exit pass after
// all that the program does itself, and before a signal ends it, the thread waits until the recorder has looked at what
// is still allocated: two seconds for one that does not begin, and as long as one that has begun is there.
#pragma once

#include <ucontext.h>

namespace flarestack::agent {

// Before the process dies of a signal that interrupted it there. Called with all signals blocked. [signal]
void stop_before_death(int signal, const ucontext_t& context);

// Before the program ends itself by a system call. [hook]
void stop_before_exit_call();

// In place of _exit(status), as a plain inline hook (docs/inline-hooks.md).
void* exit_hook();

}  // namespace flarestack::agent
