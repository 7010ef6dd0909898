// SPDX-License-Identifier: Apache-2.0
// The table is set-associative: a thread pointer hashes to one of 256 sets of 16 entries, and overflows into the next set.
// A removed entry is simply empty again, so there are no tombstones to fill up under a storm of short threads. An entry is a
// state's number; the state itself holds the key, written last and cleared first.
#include "preload/thread_state.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include "preload/agent.h"
#include "preload/sampler.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

constexpr uint32_t kSets = 256;
constexpr uint32_t kWays = 16;
constexpr uint32_t kSetsProbed = 4;

struct Entry {
  std::atomic<uint64_t> thread_pointer;
  std::atomic<ThreadState*> state;
};

constinit Entry* entries = nullptr;
constinit ThreadState* states = nullptr;
constinit std::atomic<uint32_t> next_slot_hint{0};

uint64_t thread_pointer() {
  uint64_t value;
  asm("mov %%fs:0, %0" : "=r"(value));
  return value;
}

Entry* set_of(uint64_t pointer, uint32_t probe) {
  // Thread pointers are 64-byte aligned; neighbouring stacks differ by megabytes.
  const uint64_t hash = (pointer >> 6) * 0x9E3779B97F4A7C15;
  return entries + ((hash >> 56) + probe) % kSets * kWays;
}

void remove_key(uint64_t pointer) {
  for (uint32_t probe = 0; pointer != 0 && probe < kSetsProbed; ++probe) {
    Entry* set = set_of(pointer, probe);
    for (uint32_t way = 0; way < kWays; ++way) {
      if (set[way].thread_pointer.load(std::memory_order_relaxed) == pointer) {
        set[way].thread_pointer.store(0, std::memory_order_release);
      }
    }
  }
}

}  // namespace

bool create_thread_table() {
  entries = static_cast<Entry*>(map_memory(sizeof(Entry) * kSets * kWays));
  states = static_cast<ThreadState*>(map_memory(sizeof(ThreadState) * kSlotCount));
  return entries != nullptr && states != nullptr;
}

void reset_thread_table(ThreadState* survivor) {
  for (uint32_t i = 0; i < kSets * kWays; ++i) {
    entries[i].thread_pointer.store(0, std::memory_order_relaxed);
  }
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    ThreadState& state = states[i];
    // A child has neither the parent's timers nor its perf pages: both are not inherited.
    state.perf_page = nullptr;
    state.posix_timer = -1;
    if (&state != survivor) {
      state.thread_pointer.store(0, std::memory_order_relaxed);
    }
  }
}

ThreadState* this_thread() {
  if (entries == nullptr) {
    return nullptr;
  }
  const uint64_t pointer = thread_pointer();
  for (uint32_t probe = 0; probe < kSetsProbed; ++probe) {
    Entry* set = set_of(pointer, probe);
    for (uint32_t way = 0; way < kWays; ++way) {
      if (set[way].thread_pointer.load(std::memory_order_acquire) == pointer) {
        return set[way].state.load(std::memory_order_relaxed);
      }
    }
  }
  return nullptr;
}

ThreadState* claim_thread() {
  const SessionView session = the_agent.session;
  const uint32_t hint = next_slot_hint.load(std::memory_order_relaxed);
  for (uint32_t i = 0; i < kSlotCount; ++i) {
    const uint32_t index = (hint + i) % kSlotCount;
    SlotHeader& slot = session.slot(index);
    SlotState expected = SlotState::kFree;
    if (slot.state.load(std::memory_order_relaxed) != SlotState::kFree ||
        !slot.state.compare_exchange_strong(expected, SlotState::kStarting, std::memory_order_acq_rel)) {
      continue;
    }
    // The lowest slots are used again first, so that few ring pages are ever touched.
    next_slot_hint.store(0, std::memory_order_relaxed);
    ThreadState& state = states[index];
    // Left behind by a thread that ended without a word (pthread_exit, cancellation).
    remove_key(state.thread_pointer.exchange(0, std::memory_order_relaxed));
    disarm(state);
    state.slot = index;
    state.tid = 0;
    state.stack_low = state.stack_high = 0;
    state.unwinder_generation = 0;
    state.signal_blocked = false;
    return &state;
  }
  session.page().threads_without_slot.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

void enter_thread(ThreadState& thread) {
  const uint64_t pointer = thread_pointer();
  remove_key(pointer);  // of an earlier thread whose stack was used again
  thread.tid = thread_id();
  thread.thread_pointer.store(pointer, std::memory_order_relaxed);
  for (uint32_t probe = 0; probe < kSetsProbed; ++probe) {
    Entry* set = set_of(pointer, probe);
    for (uint32_t way = 0; way < kWays; ++way) {
      uint64_t expected = 0;
      // 1 reserves the entry: no thread pointer has that value.
      if (set[way].thread_pointer.compare_exchange_strong(expected, 1, std::memory_order_acq_rel)) {
        set[way].state.store(&thread, std::memory_order_relaxed);
        set[way].thread_pointer.store(pointer, std::memory_order_release);
        SlotHeader& slot = the_agent.session.slot(thread.slot);
        slot.start_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
        raw_syscall(SYS_prctl, PR_GET_NAME, raw_pointer(slot.name));
        slot.tid.store(static_cast<uint32_t>(thread.tid), std::memory_order_relaxed);
        // Pairs with the acquire in the recorder's SessionDrain.
        slot.state.store(SlotState::kLive, std::memory_order_release);
        return;
      }
    }
  }
  // Four full sets: with a thousand threads in 4096 entries this does not happen; the thread is then never found, so never sampled.
  the_agent.session.page().threads_without_slot.fetch_add(1, std::memory_order_relaxed);
}

void leave_thread(ThreadState& thread) {
  remove_key(thread.thread_pointer.exchange(0, std::memory_order_relaxed));
  the_agent.session.slot(thread.slot).state.store(SlotState::kEnded, std::memory_order_release);
}

void abandon_thread(ThreadState& thread) {
  the_agent.session.slot(thread.slot).state.store(SlotState::kFree, std::memory_order_release);
}

}  // namespace flarestack::agent
