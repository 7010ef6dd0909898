// SPDX-License-Identifier: Apache-2.0
// A process that has itself traced: from then on its tracer is told of every signal first, ours included, and a
// debugger counts the stops up to the exec. So its timers are taken down before; the image that it executes is not
// recorded.
#include <cstdint>

#include "preload/agent.h"
#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sample_timer.h"
#include "preload/sandbox.h"
#include "preload/signal_view.h"
#include "preload/system.h"
#include "preload/thread_state.h"

namespace flarestack::agent {
namespace {

constexpr int kTraceMe = 0;  // PTRACE_TRACEME; <sys/ptrace.h> declares the function as variadic

void stop_for_tracer() {
  // Not in a vfork child, whose parent these timers belong to.
  if (!recording() || is_other_process(this_thread())) {
    return;
  }
  const uint64_t mask = set_signal_mask(SIG_SETMASK, kAllSignals);
  forbidden_deeds.fetch_or(static_cast<uint32_t>(Deed::kArm), std::memory_order_relaxed);
  disarm_all();
  the_agent.session.page().threads_without_timer.fetch_add(1, std::memory_order_relaxed);
  set_signal_mask(SIG_SETMASK, mask);  // a tick that is pending comes now, not as the tracer's first stop
}

}  // namespace
}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

// Variadic in libc's header; every caller passes four arguments in registers.
FLARESTACK_HOOK long ptrace(int request, long pid, void* address, void* data) noexcept {
  if (request == kTraceMe) {
    stop_for_tracer();
  }
  return next().ptrace(request, pid, address, data);
}
