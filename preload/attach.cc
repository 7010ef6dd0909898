// SPDX-License-Identifier: Apache-2.0
// Entering a process that runs already (wire/attach.h): what the constructor does at a launch, in steps that somebody
// outside calls, in a thread that they have borrowed, on a stack of theirs. Nothing here calls into libc or waits for a
// lock, since other threads may hold any.
#include "wire/attach.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <csignal>

#include "preload/agent.h"
#include "preload/alternate_stack.h"
#include "preload/fatal_signals.h"
#include "preload/heap.h"
#include "preload/heap_provider.h"
#include "preload/hooks_attach.h"
#include "preload/hooks_heap.h"
#include "preload/last_stop.h"
#include "preload/modules.h"
#include "preload/next.h"
#include "preload/patches.h"
#include "preload/sample_timer.h"
#include "preload/sampler.h"
#include "preload/signal_view.h"
#include "preload/system.h"
#include "preload/thread_state.h"
#include "wire/handshake.h"

namespace flarestack::agent {
namespace {

constinit char session_text[sizeof(AttachRequest::session_value)];
constinit char path_text[sizeof(AttachRequest::agent_path)];
constinit SessionView prepared{};  // by kPrepare, for kEnter
constinit const PatchPlanHeader* plan = nullptr;
constinit uint32_t plan_bytes = 0;
constinit bool is_hooked = false;
constinit bool was_here = false;  // an earlier attach has come as far as kEnter

HookTable all_hooks(const SessionPage& page) {
  HookTable hooks;
  if (page.heap != HeapRecording::kOff) {
    hooks = heap_hooks();
    // Two names of one function in glibc; in musl the second is what exit() calls.
    hooks.add("_exit", page.leak_check != 0 ? exit_hook() : nullptr);
    hooks.add("_Exit", page.leak_check != 0 ? exit_hook() : nullptr);
    add_mapping_hooks(hooks);
  }
  add_process_hooks(hooks);
  return hooks;
}

AttachResult prepare(AttachRequest& request) {
  if (the_agent.session && !recording_is_over(clock_ns(CLOCK_MONOTONIC))) {
    return AttachResult::kRecorded;
  }
  text_copy(session_text, request.session_value, sizeof(session_text));
  text_copy(path_text, request.agent_path, sizeof(path_text));
  the_agent.session_value = session_text;
  the_agent.agent_path = path_text;
  the_agent.is_attached = true;
  the_agent.process = process_id();
  the_agent.program = request.program;
  the_agent.debug = loader_debug();
  if (the_agent.debug == nullptr && the_agent.program.is_static == 0) {
    return AttachResult::kNoLoader;
  }
  if (executable_has_note("Go")) {
    return AttachResult::kGo;
  }
  the_agent.default_stack_bytes = stack_limit_bytes();
  if (!was_here && !create_thread_table()) {
    return AttachResult::kNoMemory;
  }
  const bool is_starting = the_agent.program.is_starting != 0;
  if (is_starting && !limits_leave_room()) {
    return AttachResult::kNoMemory;
  }
  if (prepared) {  // of an attach that came no further
    unmap_memory(prepared.region(), kSessionBytes);
  }
  prepared = open_session(session_text, {is_starting ? HelloOrigin::kImage : HelloOrigin::kAttach, 0, 0});
  if (!prepared) {
    return AttachResult::kNoSession;
  }
  request.hooks = patch_request(all_hooks(prepared.page()));
  request.notification_address = the_agent.debug != nullptr ? the_agent.debug->r_brk : 0;
  return AttachResult::kDone;
}

void forget_plan() {
  if (plan != nullptr) {
    unmap_memory(const_cast<PatchPlanHeader*>(plan), plan_bytes);
    plan = nullptr;
  }
}

AttachResult map_hooks(AttachRequest& request) {
  if (!prepared) {
    return AttachResult::kNoPreparation;
  }
  forget_plan();
  plan = reinterpret_cast<const PatchPlanHeader*>(request.plan_address);
  plan_bytes = request.plan_bytes;
  request.outcome = {kSessionMagic, kWireVersion, 0, 0, 0, 0, 0, {}};
  if (!map_areas(plan, plan_bytes, request.outcome)) {
    forget_plan();
  }
  return AttachResult::kDone;
}

// Whether a thread is in the middle of what it wrote for an earlier recording.
bool is_busy(const AttachRequest& request) {
  for (uint32_t i = 0; i < request.thread_count; ++i) {
    const ThreadState* thread = thread_table::find_thread(request.threads[i].thread_pointer);
    if (thread != nullptr && thread->heap.mark > request.threads[i].stack_pointer) {
      return true;
    }
  }
  return false;
}

void enter_all(const AttachRequest& request) {
  for (uint32_t i = 0; i < request.thread_count; ++i) {
    const AttachThread& known = request.threads[i];
    ThreadState* thread = claim_thread();
    if (thread == nullptr) {
      return;  // counted
    }
    thread->stack_low = known.stack_low;
    thread->stack_high = known.stack_high;
    thread->signal_blocked = known.signal_blocked != 0;
    enter_thread(*thread, known.tid, known.thread_pointer);
    arm(*thread, clock_ns(thread_cpu_clock(known.tid)));
    if (known.tid == the_agent.process) {
      the_agent.main_stack_low = known.stack_low;
      the_agent.main_stack_high = known.stack_high;
    }
  }
}

// The new region takes the place of the last one, so that many attaches take no more memory than one does; a thread
// that still has a pointer into it from then finds memory there.
void take_prepared() {
  if (the_agent.session) {
    const auto size = static_cast<long>(kSessionBytes);
    const long moved = raw_syscall(SYS_mremap, raw_pointer(prepared.region()), size, size,
                                   MREMAP_MAYMOVE | MREMAP_FIXED, raw_pointer(the_agent.session.region()));
    prepared = raw_failed(moved) ? prepared : SessionView(reinterpret_cast<void*>(moved));
  }
  the_agent.session = prepared;
  prepared = {};
}

// As the constructor does at a launch. The kernel has put the arguments where the stack pointer is.
void start(const AttachThread& first) {
  const uint64_t count = *reinterpret_cast<const uint64_t*>(first.stack_pointer);
  measure_signal_frame(reinterpret_cast<const char* const*>(first.stack_pointer) + 1 + count + 1);
  if (the_agent.program.is_static != 0) {
    thread_table::expect_thread_pointer(first.thread_pointer);
  }
  if (the_agent.session.page().leak_check != 0) {
    hide_fatal_signals();
  }
}

AttachResult enter(const AttachRequest& request) {
  if (!prepared) {
    return AttachResult::kNoPreparation;
  }
  const bool is_loading = the_agent.debug != nullptr && the_agent.debug->r_state != r_debug::RT_CONSISTENT;
  if (is_loading || is_busy(request)) {
    return AttachResult::kBusy;
  }
  take_prepared();
  SessionPage& page = the_agent.session.page();
  the_agent.follow_exec = page.follow_children != 0;
  page.startup_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  page.startup_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
  if (was_here) {
    disarm_all();  // of a recorder that was killed
    reset_thread_table();
    reset_heap();
    restart_modules();
  } else {
    start_modules(true);
  }
  was_here = true;
  next();
  heap_provider();
  if (!install_handler()) {
    the_agent.session = {};
    return AttachResult::kNoHandler;
  }
  // A tick of the borrowed thread waits until it is its own again.
  set_signal_mask(SIG_BLOCK, sample_signal_bit());
  enter_all(request);
  if (the_agent.program.is_starting != 0) {
    start(request.threads[0]);
  }
  if (plan != nullptr) {
    write_jumps(plan);
  }
  is_hooked = true;
  settle_heap_provider();
  settle_next();
  start_heap();
  if (request.thread_count > 1) {
    heap_expects_thread();
  }
  return AttachResult::kDone;
}

// From now on nothing is hidden from them. Whoever is in our handler will get the mask back that it interrupted.
void tell_who_blocks(AttachRequest& request) {
  request.signal = the_agent.session.page().sample_signal;
  request.thread_count = 0;
  for (uint32_t slot = 0; slot < kSlotCount && thread_of_slot(slot) != nullptr; ++slot) {
    const ThreadState& thread = *thread_of_slot(slot);
    const SlotState state = the_agent.session.slot(slot).state.load(std::memory_order_relaxed);
    if (state == SlotState::kLive && thread.signal_blocked) {
      request.threads[request.thread_count++].tid = thread.tid;
      if (thread.interrupted_mask != nullptr) {
        *thread.interrupted_mask |= sample_signal_bit();
      }
    }
  }
}

AttachResult leave(AttachRequest& request) {
  if (!is_hooked) {
    return AttachResult::kNoPreparation;
  }
  is_hooked = false;
  the_agent.session.page().off.store(1, std::memory_order_relaxed);
  stop_heap();
  disarm_all();
  if (plan != nullptr) {
    take_jumps_out(plan);
    forget_plan();
  }
  tell_who_blocks(request);
  return AttachResult::kDone;
}

}  // namespace

// The file's entry point.
extern "C" __attribute__((used, visibility("hidden"))) void flarestack_attach(AttachRequest* request) {
  if (request->magic != kSessionMagic || request->version != kWireVersion) {
    request->result = AttachResult::kOtherVersion;
  } else if (request->step == AttachStep::kPrepare) {
    request->result = prepare(*request);
  } else if (request->step == AttachStep::kHook) {
    request->result = map_hooks(*request);
  } else if (request->step == AttachStep::kEnter) {
    request->result = enter(*request);
  } else {
    request->result = leave(*request);
  }
}

}  // namespace flarestack::agent
