// SPDX-License-Identifier: Apache-2.0
// A new thread gets a slot and a timer before the program's function runs in it, and gives its slot back afterwards.
// The frame of thread_main() is taken out of the stacks by the recorder. Threads that end otherwise (pthread_exit,
// cancellation) are noticed by the recorder, and their slot's next user clears up behind them.
#include <pthread.h>
#include <threads.h>

#include <csignal>
#include <cstdint>

#include "preload/agent.h"
#include "preload/heap.h"
#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sample_timer.h"
#include "preload/sampler.h"
#include "preload/sandbox.h"
#include "preload/signal_view.h"
#include "preload/system.h"
#include "preload/thread_state.h"

namespace flarestack::agent {
namespace {

void begin_thread(ThreadState& thread) {
  const CallScope scope;
  if (!sandbox_allows(Deed::kArm)) {
    the_agent.session.page().threads_without_timer.fetch_add(1, std::memory_order_relaxed);
    abandon_thread(thread);
    return;
  }
  // glibc and musl put the thread's descriptor, to which %fs:0 points, at the top of its stack.
  uint64_t pointer;
  asm("mov %%fs:0, %0" : "=r"(pointer));
  const uint64_t frame = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
  const uint64_t size_bytes = thread.stack_high;  // left here by prepare_thread
  thread.stack_low = thread.stack_high = 0;
  if (size_bytes != 0 && pointer > frame && pointer - frame < size_bytes) {
    thread.stack_low = frame - (size_bytes - (pointer - frame)) / 2;  // static TLS and the guard take part of the size
    thread.stack_high = pointer;
  }
  enter_thread(thread);
  thread.signal_blocked = open_signal_mask() || thread.signal_blocked;
  arm(thread, 0);
}

void end_thread(ThreadState& thread) {
  const CallScope scope;
  if (this_thread() == &thread && recording()) {
    const uint64_t mask = set_signal_mask(SIG_SETMASK, kAllSignals);
    record_routine_end(thread);
    leave_thread(thread);
    set_signal_mask(SIG_SETMASK, mask);
  }
}

void* thread_main(void* argument) {
  auto* thread = static_cast<ThreadState*>(argument);
  auto* routine = reinterpret_cast<void* (*)(void*)>(thread->start_routine);
  void* routine_argument = thread->start_argument;
  begin_thread(*thread);
  void* result = routine(routine_argument);
  end_thread(*thread);
  return result;
}

int thread_main_c11(void* argument) {
  auto* thread = static_cast<ThreadState*>(argument);
  auto* routine = reinterpret_cast<thrd_start_t>(thread->start_routine);
  void* routine_argument = thread->start_argument;
  begin_thread(*thread);
  const int result = routine(routine_argument);
  end_thread(*thread);
  return result;
}

// Claims a state for a thread to come, nullptr if there is none to be had.
ThreadState* prepare_thread(void* routine, void* argument, const pthread_attr_t* attributes) {
  // glibc's thrd_create() calls pthread_create() with this (ATTR_C11_THREAD in nptl/pthreadP.h): seen where that is
  // hooked at its entry.
  if (reinterpret_cast<intptr_t>(attributes) == -1) {
    attributes = nullptr;
  }
  if (!recording()) {
    return nullptr;
  }
  if (!sandbox_allows(Deed::kArm)) {
    the_agent.session.page().threads_without_timer.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  ThreadState* thread = claim_thread();
  if (thread == nullptr) {
    return nullptr;
  }
  heap_expects_thread();
  // It inherits its creator's mask, in which our signal is open whatever the creator believes; or has one of its own.
  const ThreadState* creator = this_thread();
  sigset_t own_mask;
  const bool has_own_mask = attributes != nullptr && next().pthread_attr_getsigmask_np != nullptr &&
                            next().pthread_attr_getsigmask_np(attributes, &own_mask) != PTHREAD_ATTR_NO_SIGMASK_NP;
  thread->signal_blocked = creator != nullptr && creator->signal_blocked && !has_own_mask;
  thread->start_routine = routine;
  thread->start_argument = argument;
  size_t size_bytes = 0;
  if (attributes != nullptr && next().pthread_attr_getstacksize != nullptr) {
    next().pthread_attr_getstacksize(attributes, &size_bytes);
  }
  thread->stack_high = size_bytes != 0 ? size_bytes : the_agent.default_stack_bytes;
  return thread;
}

}  // namespace
}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK int pthread_create(pthread_t* handle, const pthread_attr_t* attributes, void* (*routine)(void*),
                                   void* argument) noexcept {
  ThreadState* thread = prepare_thread(reinterpret_cast<void*>(routine), argument, attributes);
  if (thread == nullptr) {
    return next().pthread_create(handle, attributes, routine, argument);
  }
  ThreadState* creator = this_thread();
  if (creator != nullptr) {
    creator->starts_thread = true;
  }
  const int result = next().pthread_create(handle, attributes, thread_main, thread);
  if (creator != nullptr) {
    creator->starts_thread = false;
  }
  if (result != 0) {
    abandon_thread(*thread);
  }
  return result;
}

FLARESTACK_HOOK int thrd_create(thrd_t* handle, thrd_start_t routine, void* argument) {
  ThreadState* thread = prepare_thread(reinterpret_cast<void*>(routine), argument, nullptr);
  if (thread == nullptr) {
    return next().thrd_create(handle, routine, argument);
  }
  const int result = next().thrd_create(handle, thread_main_c11, thread);
  if (result != thrd_success) {
    abandon_thread(*thread);
  }
  return result;
}
