// SPDX-License-Identifier: Apache-2.0
// Whether a running process may be entered, seen from outside without stopping it. Recorder side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "profiler/process_facts.h"

namespace flarestack {

// Why no agent enters those.
inline constexpr const char* kGoProgram = "it is a Go program, whose runtime has signals and stacks of its own";

struct AttachFacts {
  ProcessFacts process;
  bool is_ourselves = false;
  bool is_open_to_us = false;       // the kernel lets us trace it (its memory can be opened)
  bool is_dumpable = true;          // its files in /proc belong to its user
  std::optional<int> ptrace_scope;  // kernel.yama.ptrace_scope; none: no Yama
};

AttachFacts gather_attach_facts(int32_t pid);

// Empty: it may be attached to. Else one sentence, with the command that solves it where there is one.
std::string refusal_of(const AttachFacts& facts);
std::string attach_refusal(int32_t pid);

// Why no agent is to enter a process whose CPU time may all the same be sampled from outside: "it is a Go program,
// ...". Empty: an agent may try, or nothing can be recorded of it.
std::string no_agent_reason_of(const AttachFacts& facts);

}  // namespace flarestack
