// SPDX-License-Identifier: Apache-2.0
// The last stop of the process: at the entry of libc's _exit, which return from main, exit and quick_exit pass after
// all that the program does itself, the thread waits until the recorder has looked at what is still allocated.
#pragma once

namespace flarestack::agent {

// In place of _exit(status), as a plain inline hook (docs/inline-hooks.md).
void* exit_hook();

}  // namespace flarestack::agent
