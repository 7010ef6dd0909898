// SPDX-License-Identifier: Apache-2.0
#include "preload/heap_writer.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "preload/sandbox.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

constexpr uint64_t kLongestWaitNs = 1'000'000'000;
constexpr uint64_t kOneWaitNs = 100'000'000;

bool waits_no_longer(uint64_t start_ns) {
  const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  return recording_is_over(now_ns) || heap_switches->regions.load(std::memory_order_relaxed) == 0 ||
         now_ns - start_ns > kLongestWaitNs;
}

// Waits until the ring has room; false: not within a second, or nobody reads any more.
bool wait_for_room(ThreadState& thread, uint64_t size_bytes) {
  HeapThread& heap = thread.heap;
  SlotHeader& slot = slot_of(thread);
  SessionPage& page = the_agent.session.page();
  slot.heap_waits.fetch_add(1, std::memory_order_relaxed);
  const CallScope scope;
  if (!sandbox_allows(Deed::kHeap)) {
    return false;
  }
  const uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
  for (;;) {
    // Pairs with the exchange of the recorder's wake_writer(): it sees the flag, or we see its tail.
    slot.heap_reader_wakes.exchange(1, std::memory_order_seq_cst);
    heap.known_tail = slot.heap_tail.load(std::memory_order_seq_cst);
    if (has_room(heap, size_bytes)) {
      slot.heap_reader_wakes.store(0, std::memory_order_relaxed);
      return true;
    }
    if (waits_no_longer(start_ns)) {
      return false;
    }
    page.doorbell.store(0, std::memory_order_release);
    raw_syscall(SYS_futex, raw_pointer(&page.doorbell), FUTEX_WAKE, 1);
    const timespec limit{0, kOneWaitNs};
    raw_syscall(SYS_futex, raw_pointer(&slot.heap_tail), FUTEX_WAIT,
                static_cast<long>(static_cast<uint32_t>(heap.known_tail)), raw_pointer(&limit));
  }
}

}  // namespace

bool make_room(ThreadState& thread, uint64_t size_bytes, bool may_wait) {
  HeapThread& heap = thread.heap;
  heap.known_tail = slot_of(thread).heap_tail.load(std::memory_order_acquire);
  if (heap.gap_events == 0) {
    if (has_room(heap, size_bytes) || (may_wait && wait_for_room(thread, size_bytes))) {
      return true;
    }
  } else if (has_room(heap, heap.ring_bytes / 2)) {
    return true;
  }
  // Nobody may ever make room again; a program does not go on paying for that. A clock costs more than an event.
  constexpr uint64_t kLookEvery = 1024;
  if (++heap.gap_events % kLookEvery == 0 && sandbox_allows(Deed::kHeap)) {
    const CallScope scope;
    recording_is_over(clock_ns(CLOCK_MONOTONIC));
  }
  if (heap.unwinder != nullptr) {
    heap.unwinder->reset();  // the recorder does not know the stack that it holds
  }
  return false;
}

void wake_recorder() {
  const CallScope scope;
  std::atomic<uint32_t>& bell = the_agent.session.page().doorbell;
  if (sandbox_allows(Deed::kHeap) && bell.load(std::memory_order_relaxed) != 0 &&
      bell.exchange(0, std::memory_order_acq_rel) != 0) {
    raw_syscall(SYS_futex, raw_pointer(&bell), FUTEX_WAKE, 1);
  }
}

bool wait_for_recorder(uint64_t start_ns) {
  if (!sandbox_allows(Deed::kHeap) || waits_no_longer(start_ns)) {
    return false;
  }
  wake_recorder();
  const CallScope scope;
  const timespec limit{0, 1'000'000};
  static constinit std::atomic<uint32_t> never{0};
  raw_syscall(SYS_futex, raw_pointer(&never), FUTEX_WAIT, 0, raw_pointer(&limit));
  return true;
}

void ring_bell(ThreadState& thread) {
  HeapThread& heap = thread.heap;
  heap.known_tail = slot_of(thread).heap_tail.load(std::memory_order_acquire);
  if (heap.reserved - heap.known_tail < heap.ring_bytes / 2) {
    heap.bell_at = heap.known_tail + heap.ring_bytes / 2;
    return;
  }
  heap.bell_at = heap.reserved + heap.ring_bytes / 16;
  wake_recorder();
}

}  // namespace flarestack::agent
