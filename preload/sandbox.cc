// SPDX-License-Identifier: Apache-2.0
#include "preload/sandbox.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "preload/agent.h"
#include "preload/fatal_signals.h"
#include "preload/heap.h"
#include "preload/next.h"
#include "preload/sample_timer.h"
#include "preload/sampler.h"
#include "preload/system.h"
#include "wire/handshake.h"
#include "wire/own_calls.h"

namespace flarestack::agent {

namespace {

constinit std::atomic<uint32_t> calling{0};  // CallScopes

// Lets those finish that asked sandbox_allows() before it began to say no.
void wait_for_callers() {
  constexpr timespec kNap{0, 50'000};
  constexpr int kMaxNaps = 2000;
  for (int i = 0; calling.load(std::memory_order_seq_cst) != 0 && i < kMaxNaps; ++i) {
    raw_syscall(SYS_nanosleep, raw_pointer(&kNap), 0);
  }
}

uint32_t deeds_forbidden_by(const sock_filter* code, size_t count) {
  uint32_t forbidden = 0;
  for (const OwnCall& call : own_calls()) {
    if (!passes_in_silence(code, count, call, reinterpret_cast<uint64_t>(&deeds_forbidden_by))) {
      forbidden |= static_cast<uint32_t>(call.deed);
    }
  }
  return forbidden;
}

// Takes our two variables out of the program's environment: an image that finds them would load an agent, whose first
// system calls the filter forbids.
void clear_environment() {
  char** to = *next().environ;
  for (char** from = to; to != nullptr && *from != nullptr; ++from) {
    if (text_starts(*from, kSessionVariable) && (*from)[sizeof(kSessionVariable) - 1] == '=') {
      continue;
    }
    if (text_starts(*from, kPreloadVariable) && (*from)[sizeof(kPreloadVariable) - 1] == '=') {
      char* value = *from + sizeof(kPreloadVariable);
      if (text_starts(value, the_agent.agent_path)) {
        char* rest = value + text_length(the_agent.agent_path);
        if (*rest == '\0') {
          continue;
        }
        text_copy(value, rest + 1, text_length(rest + 1) + 1);
      }
    }
    *to++ = *from;
  }
  if (to != nullptr) {
    *to = nullptr;
  }
}

void forbid(uint32_t deeds) {
  const uint32_t added = deeds & ~forbidden_deeds.load(std::memory_order_relaxed);
  const auto newly = [added](Deed deed) { return (added & static_cast<uint32_t>(deed)) != 0; };
  if (added == 0) {
    return;
  }
  if (the_agent.session) {
    the_agent.session.page().sandboxed.fetch_or(added & ~static_cast<uint32_t>(Deed::kName), std::memory_order_relaxed);
    if (newly(Deed::kArm) && !newly(Deed::kSample)) {
      settle_timers_for_sandbox();
    }
  }
  if (newly(Deed::kReach)) {
    clear_environment();
  }
  if (newly(Deed::kHeap)) {
    stop_heap();
  }
  // Beyond this point no timer is armed.
  forbidden_deeds.fetch_or(added, std::memory_order_seq_cst);
  wait_for_callers();
  if (newly(Deed::kSample)) {
    disarm_all();
  }
}

// Judges a filter by a copy: what the program passes may not be readable, and then the kernel refuses it.
void judge(long program_address) {
  sock_fprog program{};
  if (!safe_read(&program, reinterpret_cast<const void*>(program_address), sizeof(program)) || program.len == 0 ||
      program.len > BPF_MAXINSNS) {
    return;
  }
  const size_t size_bytes = program.len * sizeof(sock_filter);
  auto* code = static_cast<sock_filter*>(map_memory(size_bytes));
  if (code != nullptr && safe_read(code, program.filter, size_bytes)) {
    const uint32_t deeds = deeds_forbidden_by(code, program.len);
    unmap_memory(code, size_bytes);
    forbid(deeds);
  }
}

bool concerns_us() { return the_agent.session_value != nullptr && sandbox_allows(Deed::kSample); }

constexpr uint32_t kEverything = static_cast<uint32_t>(Deed::kSample) | static_cast<uint32_t>(Deed::kArm) |
                                 static_cast<uint32_t>(Deed::kReach) | static_cast<uint32_t>(Deed::kHeap) |
                                 static_cast<uint32_t>(Deed::kName);

}  // namespace

CallScope::CallScope() { calling.fetch_add(1, std::memory_order_seq_cst); }
CallScope::~CallScope() { calling.fetch_sub(1, std::memory_order_release); }
void forget_other_threads_calls() { calling.store(0, std::memory_order_relaxed); }

void before_prctl(long option, long first, long second) {
  if (option != PR_SET_SECCOMP || !concerns_us()) {
    return;
  }
  reveal_fatal_signals();
  if (first == SECCOMP_MODE_STRICT) {
    forbid(kEverything);
  } else if (first == SECCOMP_MODE_FILTER) {
    judge(second);
  }
}

void before_seccomp(long operation, long program) {
  if (!concerns_us()) {
    return;
  }
  if (operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER) {
    reveal_fatal_signals();
  }
  if (operation == SECCOMP_SET_MODE_STRICT) {
    forbid(kEverything);
  } else if (operation == SECCOMP_SET_MODE_FILTER) {
    judge(program);
  }
}

}  // namespace flarestack::agent
