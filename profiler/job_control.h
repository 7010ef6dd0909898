// SPDX-License-Identifier: Apache-2.0
// Job control: a shell waits for the recorder, not for the program. When the program stops (Ctrl-Z, SIGSTOP, reading
// the terminal from the background), the recorder stops with it, and goes on when the program does. Recorder side.
#pragma once

#include <cstdint>

namespace flarestack {

// The signal that a child has stopped by; 0 if it is not stopped now. Takes nothing: asked again, it tells the same.
int stop_signal_of(int32_t child_pid);

// Stops this process by `signal`, as the shell would have seen the child stop, until somebody continues it: the shell,
// or we ourselves as soon as the child is no longer stopped or CLOCK_MONOTONIC reaches `deadline_ns`. Call under a
// SignalGuard. true: it was not we who continued it, if it stopped at all. Where no process can be made that watches
// the child meanwhile, returns false at once.
bool stop_with_child(int signal, int32_t child_pid, uint64_t deadline_ns);

}  // namespace flarestack
