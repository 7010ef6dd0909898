// SPDX-License-Identifier: Apache-2.0
// The table is set-associative: a thread pointer hashes to one of 256 sets of 16 entries, and overflows into the next
// set. A removed entry is simply empty again, so there are no tombstones to fill up under a storm of short threads. An
// entry is one word, thread pointer and state together: so a state that is claimed anew takes its old key out only if
// no later thread with the same thread pointer (the C library uses stacks again) has entered under it.
#include "preload/thread_state.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "preload/agent.h"
#include "preload/heap_writer.h"
#include "preload/sample_timer.h"
#include "preload/system.h"

namespace flarestack::agent {

constinit thread_table::Entry* thread_table::entries = nullptr;
constinit ThreadState* thread_table::states = nullptr;

namespace {

using thread_table::states;

using thread_table::entries;
using thread_table::Entry;
using thread_table::kIndexBits;
using thread_table::kSets;
using thread_table::kSetsProbed;
using thread_table::kWays;
using thread_table::set_of;
using thread_table::thread_pointer;
static_assert(kSlotCount < (1U << kIndexBits) - 1);

uint64_t entry_of(uint64_t pointer, const ThreadState& state) {
  return pointer << kIndexBits | static_cast<uint64_t>(&state - states + 1);
}

ThreadState& state_of(uint64_t entry) { return thread_table::state_of(entry); }

// The place of the entry with that thread pointer, nullptr if there is none.
Entry* find_entry(uint64_t pointer) {
  for (uint32_t probe = 0; probe < kSetsProbed; ++probe) {
    Entry* set = set_of(pointer, probe);
    for (uint32_t way = 0; way < kWays; ++way) {
      if (set[way].load(std::memory_order_acquire) >> kIndexBits == pointer) {
        return &set[way];
      }
    }
  }
  return nullptr;
}

void remove_key(ThreadState& state) {
  const uint64_t pointer = state.thread_pointer.exchange(0, std::memory_order_relaxed);
  if (Entry* entry = pointer != 0 ? find_entry(pointer) : nullptr) {
    uint64_t expected = entry_of(pointer, state);
    entry->compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
  }
}

// Puts the caller's entry in place of an earlier thread's, or where there is room. False: four full sets.
bool add_key(uint64_t pointer, const ThreadState& state) {
  const uint64_t added = entry_of(pointer, state);
  if (Entry* entry = find_entry(pointer)) {
    const uint64_t earlier = entry->exchange(added, std::memory_order_acq_rel);
    if (earlier != 0) {
      leave_thread(state_of(earlier));  // its stack is ours now
    }
    return true;
  }
  for (uint32_t probe = 0; probe < kSetsProbed; ++probe) {
    Entry* set = set_of(pointer, probe);
    for (uint32_t way = 0; way < kWays; ++way) {
      uint64_t expected = 0;
      if (set[way].compare_exchange_strong(expected, added, std::memory_order_acq_rel)) {
        return true;
      }
    }
  }
  return false;
}

// Every slot is taken: has the recorder look for threads that ended without a word (pthread_exit, cancellation). Not
// for each of a thousand threads that live, so at most once in a while. Returns how many there were.
uint32_t find_ended_threads() {
  constexpr uint64_t kIntervalNs = 20'000'000;
  static constinit std::atomic<uint64_t> last_ns{0};
  const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  if (now_ns - last_ns.exchange(now_ns, std::memory_order_relaxed) < kIntervalNs) {
    return 0;
  }
  uint32_t found = 0;
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    const SlotHeader& slot = the_agent.session.slot(i);
    if (slot.state.load(std::memory_order_relaxed) == SlotState::kLive &&
        raw_syscall(SYS_tgkill, the_agent.process, slot.tid.load(std::memory_order_relaxed), 0) == -ESRCH) {
      leave_thread(states[i]);
      ++found;
    }
  }
  return found;
}

// nullptr: every slot is taken, `ended` of them by threads that ended.
ThreadState* claim_free_slot(uint32_t& ended) {
  constexpr uint32_t kManyEnded = 16;
  const SessionView session = the_agent.session;
  ended = 0;
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    // The lowest slots are used again first, so that few ring pages are ever touched: and where many wait to be drained
    // and freed, the recorder is told.
    SlotHeader& slot = session.slot(i);
    SlotState expected = SlotState::kFree;
    ended += slot.state.load(std::memory_order_relaxed) == SlotState::kEnding ? 1 : 0;
    if (ended == kManyEnded) {
      wake_recorder();
    }
    if (slot.state.load(std::memory_order_relaxed) != SlotState::kFree ||
        !slot.state.compare_exchange_strong(expected, SlotState::kStarting, std::memory_order_acq_rel)) {
      continue;
    }
    // Left behind by the thread that had it before.
    ThreadState& state = states[i];
    uint32_t limit = session.page().slot_limit.load(std::memory_order_relaxed);
    while (limit <= i && !session.page().slot_limit.compare_exchange_weak(limit, i + 1, std::memory_order_release)) {
    }
    remove_key(state);
    disarm(state);
    state.slot = i;
    state.tid = 0;
    state.stack_low = state.stack_high = 0;
    state.unwinder_generation = 0;
    state.resume_cpu_ns = 0;
    state.interrupted_mask = nullptr;
    state.heap.ring = nullptr;
    state.region.depth = 0;
    state.region.innermost.store(0, std::memory_order_relaxed);
    slot.region.store(0, std::memory_order_relaxed);
    state.signal_blocked = state.signal_surrendered = state.starts_thread = false;
    return &state;
  }
  return nullptr;
}

}  // namespace

bool create_thread_table() {
  entries = static_cast<Entry*>(map_memory(sizeof(Entry) * kSets * kWays));
  states = static_cast<ThreadState*>(map_memory(sizeof(ThreadState) * kSlotCount));
  return entries != nullptr && states != nullptr;
}

void reset_thread_table() {
  for (uint32_t i = 0; i < kSets * kWays; ++i) {
    entries[i].store(0, std::memory_order_relaxed);
  }
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    // A child has neither the parent's timers nor its perf pages: both are not inherited.
    states[i].perf_page.store(nullptr, std::memory_order_relaxed);
    states[i].posix_timer.store(0, std::memory_order_relaxed);
    states[i].thread_pointer.store(0, std::memory_order_relaxed);
  }
}

static constinit std::atomic<uint64_t> passing_pointer{0};

void thread_table::expect_thread_pointer(uint64_t ours) { passing_pointer.store(ours, std::memory_order_relaxed); }

// A handler may come in between, and does the same.
static ThreadState* enter_under_own(uint64_t pointer, uint64_t passing) {
  const Entry* entry = find_entry(passing);
  const uint64_t value = entry != nullptr ? entry->load(std::memory_order_relaxed) : 0;
  ThreadState* thread = value != 0 ? &state_of(value) : nullptr;
  if (thread == nullptr || thread->tid != thread_id() || !add_key(pointer, *thread)) {
    return nullptr;
  }
  thread->thread_pointer.store(pointer, std::memory_order_relaxed);
  passing_pointer.store(0, std::memory_order_relaxed);
  return thread;
}

ThreadState* thread_table::find_thread(uint64_t pointer) {
  const Entry* entry = entries != nullptr ? find_entry(pointer) : nullptr;
  const uint64_t value = entry != nullptr ? entry->load(std::memory_order_relaxed) : 0;
  if (value == 0 && entries != nullptr) {
    const uint64_t passing = passing_pointer.load(std::memory_order_relaxed);
    return passing != 0 ? enter_under_own(pointer, passing) : nullptr;
  }
  return value != 0 ? &state_of(value) : nullptr;
}

ThreadState* thread_of_slot(uint32_t slot) { return states != nullptr ? &states[slot] : nullptr; }

ThreadState* claim_thread() {
  static constinit std::atomic<bool> gave_up{false};  // until there is a free slot again
  uint64_t start_ns = 0;
  for (;;) {
    uint32_t ended = 0;
    if (ThreadState* thread = claim_free_slot(ended)) {
      if (gave_up.load(std::memory_order_relaxed)) {
        gave_up.store(false, std::memory_order_relaxed);
      }
      return thread;
    }
    ended += find_ended_threads();
    start_ns = start_ns != 0 ? start_ns : clock_ns(CLOCK_MONOTONIC);
    if (ended == 0 || gave_up.load(std::memory_order_relaxed) || !wait_for_recorder(start_ns)) {
      break;
    }
  }
  gave_up.store(true, std::memory_order_relaxed);
  the_agent.session.page().threads_without_slot.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

void enter_thread(ThreadState& thread) { enter_thread(thread, thread_id(), thread_pointer()); }

void enter_thread(ThreadState& thread, int32_t tid, uint64_t pointer) {
  thread.tid = tid;
  thread.thread_pointer.store(pointer, std::memory_order_relaxed);
  SlotHeader& slot = the_agent.session.slot(thread.slot);
  slot.start_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
  slot.stack_low = thread.stack_low;
  slot.stack_high = thread.stack_high;
  if (tid == thread_id()) {
    raw_syscall(SYS_prctl, PR_GET_NAME, raw_pointer(slot.name));
  } else {
    memset(slot.name, 0, sizeof(slot.name));  // the recorder knows it
  }
  slot.tid.store(static_cast<uint32_t>(thread.tid), std::memory_order_relaxed);
  // Pairs with the acquire in the recorder's TargetProcess::drain.
  slot.state.store(SlotState::kLive, std::memory_order_release);
  if (!add_key(pointer, thread)) {
    // With a thousand threads in 4096 entries this does not happen; the thread is then never found, so never sampled.
    the_agent.session.page().threads_without_slot.fetch_add(1, std::memory_order_relaxed);
  }
}

void leave_thread(const ThreadState& thread) {
  SlotState expected = SlotState::kLive;
  the_agent.session.slot(thread.slot)
      .state.compare_exchange_strong(expected, SlotState::kEnding, std::memory_order_acq_rel);
}

void abandon_thread(ThreadState& thread) {
  the_agent.session.slot(thread.slot).state.store(SlotState::kFree, std::memory_order_release);
}

}  // namespace flarestack::agent
