// SPDX-License-Identifier: Apache-2.0
// Alternate stacks of the program. Where a thread has one our handler runs on it, as long as all that the program has
// asked for are large: on a stack that is about to overflow the kernel could not write its frame, and would send the
// program a SIGSEGV without an address. Of a process that was attached to not all are known, and it does not.
//
// Handlers of the program that run on an alternate stack: our signal may interrupt them only where a second signal
// frame fits behind the first: the kernel kills a process whose frame it cannot write, and an alternate stack may be as
// small as 8 KiB where a frame with AVX-512 takes 3. So while every alternate stack that the program has asked for is
// large these handlers are sampled as all code is; from the first small one on, our signal waits until they are done.
//
// Not seen: sigaltstack by a system call that does not go through libc (the Go runtime's, of 32 KiB).
#pragma once

#include <csignal>
#include <cstdint>

namespace flarestack::agent {

// Takes note of the size of a signal frame on this machine, from the auxiliary vector behind the environment. [init]
void measure_signal_frame(const char* const* environment);

// Takes note that the program's action for `signal` has these flags; the mask that keeps ours out of it, or 0. [hook]
uint64_t mask_for_action(int signal, int flags);

// From now on every alternate stack of the program is seen. [init]
void see_all_alternate_stacks();
// Whether all are seen, and none is small. [hook]
bool have_room_on_alternate_stacks();

// Whether the calling thread runs a handler that our signal is kept out of. [hook]
bool is_kept_out_here();

}  // namespace flarestack::agent
