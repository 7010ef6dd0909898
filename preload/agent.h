// SPDX-License-Identifier: Apache-2.0
// Agent: the state of the recording inside one target process, and how it begins, forks and switches itself off.
//
// Life: the loader runs start() as our constructor, before the program's own. It maps the session region, takes the
// first snapshot of the modules, and arms the main thread. A fork's child gets a session of its own. There is no end:
// handlers stay installed and silent once the session is off, and nothing is ever unmapped.
#pragma once

#include <cstdint>

#include "preload/next_symbol.h"
#include "wire/attach.h"
#include "wire/handshake.h"
#include "wire/session.h"

namespace flarestack::agent {

struct Agent {
  SessionView session;       // empty: switched off from the start
  int32_t process = 0;       // our own process id: a hook that finds another one runs in a child we do not know of
  r_debug* debug = nullptr;  // nullptr in a static program
  AttachProgram program{};   // of one that was attached to
  const char* session_value = nullptr;  // of our environment variable, as it was when the program started
  const char* agent_path = nullptr;     // our entry of LD_PRELOAD
  bool follow_exec = true;              // false: --no-children
  bool is_attached = false;             // entered a running process: hooks are jumps over entries, all of them
  uint64_t default_stack_bytes = 0;     // of a thread without attributes
  uint64_t main_stack_low = 0;          // bounds of the main thread's stack
  uint64_t main_stack_high = 0;
};

extern Agent the_agent;

// Whether a session is there and on, and this process is the one it belongs to. [hook]
bool recording();

// Whether the recorder has ended the recording, or is gone: its heartbeat stopped seconds ago, and there is no such
// process. Nothing is recorded from then on. [signal]
bool recording_is_over(uint64_t now_ns);

// Who asks for a session. `fork_number` is what heap_before_fork() gave the fork that made this child.
struct SessionRequest {
  HelloOrigin origin = HelloOrigin::kImage;
  uint32_t parent_session_id = 0;
  uint32_t fork_number = 0;
};
// Connects to the recorder and maps a new session region. An empty view when that is impossible. [init], and in a
// fork's child
SessionView open_session(const char* session_value, const SessionRequest& request);
// The same, and leaves the connection open for what else there is to ask.
class Connection;
SessionView open_session(const char* session_value, const SessionRequest& request, Connection& connection);

// Around a fork. [hook]
void before_fork();
void after_fork_in_parent();
void after_fork_in_child();

// Whether the limits of memory (RLIMIT_AS, RLIMIT_DATA) leave enough for us not to be what makes an allocation fail
// that would have succeeded: a multiple of what we map. [init]
bool limits_leave_room();

// RLIMIT_STACK: of the main thread, and of threads without attributes. [init]
uint64_t stack_limit_bytes();

// Tells the recorder of an image that will run without an agent; `reason` is a LoadVerdict. Silent on failure. [hook]
void send_unrecorded_note(const char* path, uint32_t reason);

}  // namespace flarestack::agent
