// SPDX-License-Identifier: Apache-2.0
// What the agent knows of one thread, reached without thread-local storage: a table keyed by the thread pointer
// (%fs:0), since an agent that is mapped into a running process has no TLS slot. State i belongs to slot i of the
// session region.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/heap_thread.h"
#include "preload/regions.h"
#include "unwind/unwinder.h"
#include "wire/session.h"

namespace flarestack::agent {

struct alignas(128) ThreadState {
  std::atomic<uint64_t> thread_pointer;  // key; 0: not in the table
  uint32_t slot = 0;
  int32_t tid = 0;
  uint64_t stack_low = 0;  // bounds of the thread's own stack; 0, 0: unknown
  uint64_t stack_high = 0;

  // Sampling. Written by the thread itself, its handler included.
  Unwinder* unwinder = nullptr;           // in memory that stays with the slot
  uint64_t unwinder_generation = 0;       // of the modules at the previous trace
  uint64_t next_tick_cpu_ns = 0;          // thread CPU time at which the timer fires next
  uint64_t resume_cpu_ns = 0;             // ticks before this thread CPU time are dropped: traces cost too much
  bool costly_trace = false;              // the previous one
  std::atomic<void*> perf_page{nullptr};  // keeps the perf event alive without a descriptor
  uint64_t perf_mark = 0;                 // what its signals carry: the descriptor it had, or its sig_data
  std::atomic<int32_t> posix_timer{0};    // the kernel's id + 1; 0: none
  bool first_tick_pending = false;

  bool signal_blocked = false;           // the program believes it has our signal blocked
  bool signal_surrendered = false;       // and uses it: it is really blocked, and the thread is not sampled meanwhile
  uint64_t* interrupted_mask = nullptr;  // while our handler runs: the mask that it returns to
  int32_t revealed_process = 0;          // a vfork child that has seen its real signals

  // In pthread_create: what is mapped there is a stack, and no memory of the program's own.
  bool starts_thread = false;

  HeapThread heap;
  RegionThread region;

  // Handed over by pthread_create.
  void* start_routine = nullptr;  // a function of pthread_create's or thrd_create's type
  void* start_argument = nullptr;
};

// Maps the table. False: no memory. [init]
bool create_thread_table();
// Forgets all threads, after a fork. [hook]
void reset_thread_table();

// What this_thread() is made of; for thread_state.cc.
namespace thread_table {

// Thread pointer << kIndexBits | number of the state + 1; 0: empty. User addresses have 47 bits.
using Entry = std::atomic<uint64_t>;
inline constexpr uint32_t kIndexBits = 16;
inline constexpr uint32_t kSets = 256;
inline constexpr uint32_t kWays = 16;
inline constexpr uint32_t kSetsProbed = 4;
extern Entry* entries;
extern ThreadState* states;

inline uint64_t thread_pointer() {
  uint64_t value;
  asm("mov %%fs:0, %0" : "=r"(value));
  return value;
}
inline Entry* set_of(uint64_t pointer, uint32_t probe) {
  // Thread pointers are 64-byte aligned; neighbouring stacks differ by megabytes.
  const uint64_t hash = (pointer >> 6) * 0x9E3779B97F4A7C15;
  return entries + ((hash >> 56) + probe) % kSets * kWays;
}
inline ThreadState& state_of(uint64_t entry) { return states[(entry & ((1U << kIndexBits) - 1)) - 1]; }
ThreadState* find_thread(uint64_t pointer);
// The main thread of a static program that is only starting is known by a thread pointer which is ours. It is known by
// its own as soon as it has set that. [hook]
void expect_thread_pointer(uint64_t ours);

}  // namespace thread_table

// The caller's state, or nullptr. [signal]
inline ThreadState* this_thread() {
  const uint64_t pointer = thread_table::thread_pointer();
  if (thread_table::entries != nullptr) [[likely]] {
    const uint64_t entry = thread_table::set_of(pointer, 0)->load(std::memory_order_acquire);
    if (entry >> thread_table::kIndexBits == pointer) [[likely]] {
      return &thread_table::state_of(entry);
    }
  }
  return thread_table::find_thread(pointer);
}

// The state that belongs to a slot; nullptr before create_thread_table(). [signal]
ThreadState* thread_of_slot(uint32_t slot);

// Claims a slot of the session and its state; nullptr, counted in the session page, when all are taken. Where the heap
// is recorded it waits up to a second for the recorder to free those of threads that ended. [hook]
ThreadState* claim_thread();
// Enters the caller under its thread pointer and tid; from now on this_thread() finds it. [hook]
void enter_thread(ThreadState& thread);
// The same of another thread, which stands still. [hook]
void enter_thread(ThreadState& thread, int32_t tid, uint64_t thread_pointer);
// The thread's routine has returned, or it is gone: the recorder frees the slot once there is no such thread. Until
// then it is sampled: destructors of thread-local objects run last. A mere hint, harmless if wrong. [hook]
void leave_thread(const ThreadState& thread);
// Gives a slot back that was claimed and never entered. [hook]
void abandon_thread(ThreadState& thread);

}  // namespace flarestack::agent
