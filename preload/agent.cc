// SPDX-License-Identifier: Apache-2.0
#include "preload/agent.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>

#include "preload/alternate_stack.h"
#include "preload/connection.h"
#include "preload/fatal_signals.h"
#include "preload/heap.h"
#include "preload/heap_provider.h"
#include "preload/hooks_heap.h"
#include "preload/last_stop.h"
#include "preload/modules.h"
#include "preload/next.h"
#include "preload/patches.h"
#include "preload/regions.h"
#include "preload/sample_timer.h"
#include "preload/sampler.h"
#include "preload/sandbox.h"
#include "preload/signal_view.h"
#include "preload/system.h"
#include "preload/thread_state.h"
#include "wire/handshake.h"
#include "wire/loadable.h"

namespace flarestack::agent {

constinit Agent the_agent{};

namespace {

constexpr uint64_t kUnlimitedStackBytes = 64 << 20;  // assumed where RLIMIT_STACK is unlimited
constexpr size_t kMaxTextBytes = 4096;
constinit char session_text[64];
constinit char path_text[kMaxTextBytes];

// Keeps the program's values: it may change its environment at any time.
bool keep_environment(const char* const* environment) {
  const char* session = environment_value(environment, kSessionVariable);
  const char* preload = environment_value(environment, kPreloadVariable);
  if (session == nullptr || preload == nullptr) {
    return false;
  }
  text_copy(session_text, session, sizeof(session_text));
  // Our entry is the one that ends in our name; the recorder puts it first.
  size_t length = 0;
  while (preload[length] != '\0' && preload[length] != ':' && preload[length] != ' ' && length + 1 < kMaxTextBytes) {
    path_text[length] = preload[length];
    ++length;
  }
  the_agent.session_value = session_text;
  the_agent.agent_path = path_text;
  return true;
}

}  // namespace

uint64_t stack_limit_bytes() {
  rlimit limit{};
  raw_syscall(SYS_prlimit64, 0, RLIMIT_STACK, 0, raw_pointer(&limit));
  return limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur == 0 ? kUnlimitedStackBytes : limit.rlim_cur;
}

namespace {

// The beginning of a small file with a terminating zero; empty where it cannot be read.
void read_text(const char* path, char* text, size_t capacity) {
  const int descriptor = open_file(path);
  const long size = descriptor >= 0 ? read_file(descriptor, text, capacity - 1) : -1;
  if (descriptor >= 0) {
    close_file(descriptor);
  }
  text[size > 0 ? size : 0] = '\0';
}

}  // namespace

bool limits_leave_room() {
  constexpr uint64_t kShare = 4;
  constexpr uint64_t kPrivateBytes = 16 << 20;  // what threads need for their unwinding
  char text[128];
  read_text("/proc/self/statm", text, sizeof(text));
  uint64_t pages[7] = {};  // all, resident, shared, text, 0, data and stack, 0 (proc(5))
  size_t field = 0;
  for (const char* digit = text; *digit != '\0' && field < 7; ++digit) {
    const bool is_digit = *digit >= '0' && *digit <= '9';
    pages[field] = is_digit ? pages[field] * 10 + static_cast<uint64_t>(*digit - '0') : pages[field];
    field += is_digit ? 0 : 1;
  }
  const auto fits = [](int resource, uint64_t used_pages, uint64_t needed_bytes) {
    rlimit limit{};
    raw_syscall(SYS_prlimit64, 0, resource, 0, raw_pointer(&limit));
    return limit.rlim_cur == 0 || limit.rlim_cur / kShare >= needed_bytes + used_pages * kPageBytes / kShare;
  };
  return fits(RLIMIT_AS, pages[0], kSessionBytes) && fits(RLIMIT_DATA, pages[5], kPrivateBytes);
}

namespace {

// Makes the calling thread the first of a session. `signal_blocked`: what the program believes; `counted_from_cpu_ns`:
// where its CPU time begins to be ours.
void begin_first_thread(bool signal_blocked, uint64_t counted_from_cpu_ns) {
  ThreadState* thread = claim_thread();
  if (thread == nullptr) {
    return;
  }
  thread->stack_low = the_agent.main_stack_low;
  thread->stack_high = the_agent.main_stack_high;
  thread->signal_blocked = signal_blocked;
  enter_thread(*thread);
  arm(*thread, counted_from_cpu_ns);
}

}  // namespace

void before_fork() {
  heap_before_fork();
  // The POSIX timer may tick while the kernel copies the address space, which would start the copy anew, for ever if it
  // takes longer than the period (trap 20). The perf event never fires in the kernel.
  if (the_agent.session && sandbox_allows(Deed::kSample)) {
    set_signal_mask(SIG_BLOCK, sample_signal_bit());
    hold_timers();
  }
}

void after_fork_in_parent() {
  if (the_agent.session && sandbox_allows(Deed::kSample)) {
    release_timers();
    the_agent.session.page().forks.fetch_add(1, std::memory_order_relaxed);
    const ThreadState* thread = this_thread();
    if (thread == nullptr || !thread->signal_surrendered) {
      set_signal_mask(SIG_UNBLOCK, sample_signal_bit());
    }
  }
}

namespace {

// The session that a fork's child gets; empty: the parent's recording is off, children are not followed, or it failed.
SessionView open_child_session(SessionPage& parent_page, uint32_t fork_number) {
  if (!sandbox_allows(Deed::kReach)) {
    parent_page.forks_unrecorded.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
  if (parent_page.off.load(std::memory_order_relaxed) != 0 || parent_page.follow_children == 0) {
    return {};
  }
  const SessionView session =
      open_session(the_agent.session_value, {HelloOrigin::kFork, parent_page.session_id, fork_number});
  if (!session) {
    parent_page.forks_unrecorded.fetch_add(1, std::memory_order_relaxed);
  }
  return session;
}

// Nothing is recorded in this child, so nothing is hidden from it either.
void go_unrecorded(bool signal_blocked, uint64_t bit) {
  if (sandbox_allows(Deed::kSample)) {
    remove_handler();
    set_signal_mask(signal_blocked ? SIG_BLOCK : SIG_UNBLOCK, bit);
  }
}

}  // namespace

void after_fork_in_child() {
  const SessionView parent = the_agent.session;
  if (!parent) {
    return;
  }
  ThreadState* thread = this_thread();
  const bool signal_blocked = thread != nullptr && thread->signal_blocked;
  // A fork from another thread than the main one leaves that thread's stack as the child's only one.
  const uint64_t stack_low = thread != nullptr ? thread->stack_low : 0;
  const uint64_t stack_high = thread != nullptr ? thread->stack_high : 0;
  const uint64_t bit = sample_signal_bit();
  reset_thread_table();
  reset_heap();
  reset_regions();
  const auto fork_number = thread != nullptr ? static_cast<uint32_t>(thread->heap.fork_number) : 0;
  forget_other_threads_timers();
  forget_other_threads_calls();
  const SessionView session = open_child_session(parent.page(), fork_number);
  if (!session) {
    go_unrecorded(signal_blocked, bit);
  } else {
    the_agent.process = process_id();
  }
  if (session) {
    session.page().paused.store(parent.page().paused.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  // Beyond this point nothing touches the parent's region.
  the_agent.session = session;
  if (sandbox_allows(Deed::kSample)) {
    unmap_memory(parent.region(), kSessionBytes);
  }
  if (!session) {
    return;
  }
  the_agent.main_stack_low = stack_low;
  the_agent.main_stack_high = stack_high;
  start_modules(false);
  open_signal_mask();  // closed around the fork
  begin_first_thread(signal_blocked, 0);
  start_heap();
}

namespace {

// Whether a tracer is told of every signal before we are. It started the program, or was there at the exec.
bool is_traced() {
  char status[512];  // "TracerPid:" comes within the first 200 bytes
  read_text("/proc/self/status", status, sizeof(status));
  constexpr char kTitle[] = "\nTracerPid:\t";
  for (const char* at = status; *at != '\0'; ++at) {
    if (text_starts(at, kTitle)) {
      return at[sizeof(kTitle) - 1] != '0';
    }
  }
  return false;
}

__attribute__((constructor)) void start(int /*argument_count*/, char** arguments, char** environment) {
  if (!keep_environment(environment)) {
    return;
  }
  const LoadVerdict verdict = is_traced()           ? LoadVerdict::kTraced
                              : limits_leave_room() ? LoadVerdict::kLoadable
                                                    : LoadVerdict::kNoRoom;
  if (verdict != LoadVerdict::kLoadable) {
    send_unrecorded_note(arguments[0] != nullptr ? arguments[0] : "", static_cast<uint32_t>(verdict));
    return;
  }
  Connection recorder;
  SessionView session = open_session(the_agent.session_value, {HelloOrigin::kImage, 0, 0}, recorder);
  if (!session) {
    return;
  }
  measure_signal_frame(environment);
  the_agent.process = process_id();
  the_agent.debug = loader_debug();
  the_agent.default_stack_bytes = stack_limit_bytes();
  the_agent.main_stack_high = reinterpret_cast<uint64_t>(arguments);
  the_agent.main_stack_low = the_agent.main_stack_high - stack_limit_bytes();
  the_agent.follow_exec = session.page().follow_children != 0;
  const uint64_t startup_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  session.page().startup_cpu_ns = startup_cpu_ns;
  session.page().startup_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
  if (!create_thread_table()) {
    return;
  }
  the_agent.session = session;
  start_modules(true);
  if (session.page().heap != HeapRecording::kOff) {
    HookTable hooks = heap_hooks();
    hooks.add("_exit", session.page().leak_check != 0 ? exit_hook() : nullptr);
    apply_patches(recorder, hooks);
    settle_heap_provider();
  }
  if (next().register_atfork != nullptr) {
    next().register_atfork(before_fork, after_fork_in_parent, after_fork_in_child, nullptr);
  }
  see_all_alternate_stacks();
  if (install_handler()) {
    begin_first_thread(open_signal_mask(), startup_cpu_ns);
  }
  if (session.page().leak_check != 0) {
    hide_fatal_signals();
  }
  start_heap();
}

// After the program's own destructors; what other threads do from here on is still sampled.
__attribute__((destructor)) void finish() {
  ThreadState* thread = recording() ? this_thread() : nullptr;
  if (thread != nullptr) {
    const uint64_t mask = set_signal_mask(SIG_SETMASK, kAllSignals);
    record_routine_end(*thread);
    the_agent.session.page().ended_cpu_ns.store(clock_ns(CLOCK_PROCESS_CPUTIME_ID), std::memory_order_relaxed);
    set_signal_mask(SIG_SETMASK, mask);
  }
}

}  // namespace

bool recording_is_over(uint64_t now_ns) {
  constexpr uint64_t kRecorderSilentNs = 5'000'000'000;
  SessionPage& page = the_agent.session.page();
  const uint64_t heartbeat_ns = page.heartbeat_ns.load(std::memory_order_relaxed);
  if (page.off.load(std::memory_order_relaxed) == 0 && now_ns > heartbeat_ns &&
      now_ns - heartbeat_ns > kRecorderSilentNs &&
      raw_syscall(SYS_kill, static_cast<long>(page.recorder_pid), 0) == -ESRCH) {
    page.off.store(1, std::memory_order_relaxed);
  }
  if (page.off.load(std::memory_order_relaxed) == 0) {
    return false;
  }
  stop_heap();
  return true;
}

bool recording() {
  return the_agent.session && sandbox_allows(Deed::kSample) &&
         the_agent.session.page().off.load(std::memory_order_relaxed) == 0 && the_agent.process == process_id();
}

}  // namespace flarestack::agent
