// SPDX-License-Identifier: Apache-2.0
// HeapWriter: one event on its way into the calling thread's heap ring: room, order, words, publication. Used by
// preload/heap.cc alone.
#pragma once

#include <cstdint>

#include "preload/agent.h"
#include "preload/heap.h"
#include "preload/thread_state.h"
#include "wire/heap_records.h"

namespace flarestack::agent {

inline SlotHeader& slot_of(const ThreadState& thread) { return the_agent.session.slot(thread.slot); }

inline bool has_room(const HeapThread& heap, uint64_t size_bytes) {
  return heap.reserved + size_bytes - heap.known_tail <= heap.ring_bytes;
}

// Wakes the recorder from its nap, once until it has been awake. [hook]
void wake_recorder();
// Wakes it, and waits a millisecond for what it does. False, at once: the heap is not recorded, nobody reads any more,
// or a second has passed since `start_ns`. [hook]
bool wait_for_recorder(uint64_t start_ns);
// The rare half of HeapWriter::reserve(): there is no room, or there was none. [hook]
bool make_room(ThreadState& thread, uint64_t size_bytes, bool may_wait);
// The ring is half full, as far as is known: the recorder naps until it is told. [hook]
void ring_bell(ThreadState& thread);

// One event in the making. Words go where reserve() said; publish() shows them to the reader.
class HeapWriter {
 public:
  // `inner`: this is a signal handler's event, in the middle of another one.
  HeapWriter(ThreadState& thread, bool inner) : thread_(thread), heap_(thread.heap), inner_(inner) {}

  // Room for `count` words and what may have to be said before them.
  bool reserve(uint32_t count) {
    const uint64_t gap_words = heap_.gap_events != 0 ? 1 : 0;
    const uint64_t size_bytes = (count + gap_words) * 8;
    if ((!has_room(heap_, size_bytes) || heap_.gap_events != 0) && !make_room(thread_, size_bytes, !inner_))
        [[unlikely]] {
      return false;
    }
    position_ = heap_.reserved;
    ring_ = heap_.ring;
    mask_ = heap_.ring_bytes - 1;
    heap_.reserved += size_bytes;
    if (heap_.gap_events != 0) [[unlikely]] {
      put_number(HeapKind::kGap, heap_.gap_events);
      heap_.gap_events = 0;
    }
    return true;
  }
  void put(uint64_t word) {
    ring_[(position_ & mask_) / 8].store(word, std::memory_order_relaxed);
    position_ += 8;
  }
  void put_number(HeapKind kind, uint64_t number) { put(static_cast<uint64_t>(kind) | number << kHeapNumberShift); }
  void put_ordered_number(HeapKind kind, uint64_t number, uint64_t order) {
    put(static_cast<uint64_t>(kind) | kHeapOrdered | number << kHeapNumberShift);
    put(order);
  }
  void publish() {
    if (inner_) {
      return;  // with the event that it is in the middle of
    }
    slot_of(thread_).heap_head.store(heap_.reserved, std::memory_order_release);  // pairs with HeapRings::look_at
    // The reader's processor has had the lines that come next: get them back while the program runs.
    __builtin_prefetch(&ring_[((heap_.reserved + kPrefetchBytes) & mask_) / 8], 1);
    if (heap_.reserved >= heap_.bell_at) [[unlikely]] {
      ring_bell(thread_);
    }
  }

 private:
  static constexpr uint64_t kPrefetchBytes = 256;

  ThreadState& thread_;
  HeapThread& heap_;
  bool inner_;
  // Copies: no store into the ring can change them, as far as the compiler knows.
  std::atomic<uint64_t>* ring_ = nullptr;
  uint64_t mask_ = 0;
  uint64_t position_ = 0;
};

enum class OrderMoment : uint8_t { kBeforeCall, kAfterCall };

// The number of an event in the order of all threads. That of a deallocation is taken before the real one, that of an
// allocation when everything that the real one read has been read: so of two events of one address the number of the
// later one is higher.
inline uint64_t take_order(OrderMoment moment) {
  SessionPage& page = the_agent.session.page();
  if (page.order_source == OrderSource::kCounter) {
    return page.order_counter.fetch_add(1, std::memory_order_seq_cst) + 1;
  }
  uint32_t low, high;
  if (moment == OrderMoment::kAfterCall) {
    // Intel SDM, RDTSC: an LFENCE before it has it wait for all earlier loads.
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
  } else {
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  }
  return uint64_t{high} << 32 | low;
}

// Whether events carry an order; then it announces that one is coming, until the scope ends.
class OrderScope {
 public:
  OrderScope(ThreadState& thread, bool inner)
      : thread_(thread), inner_(inner), ordered_(heap_switches->ordered.load(std::memory_order_relaxed) != 0) {}
  // With the event's room in hand: whoever waits holds nobody up.
  void begin() {
    std::atomic<uint64_t>& in_flight = slot_of(thread_).heap_in_flight;
    if (ordered_ && in_flight.load(std::memory_order_relaxed) == 0) {
      // Seen by the recorder before the order is taken: it looks at what happened a while ago only (docs/heap.md).
      in_flight.store(thread_.heap.last_order | 1, std::memory_order_relaxed);
      asm volatile("" : : : "memory");
    }
  }
  // An inner event is shown with the outer one.
  ~OrderScope() {
    std::atomic<uint64_t>& in_flight = slot_of(thread_).heap_in_flight;
    if (!inner_ && in_flight.load(std::memory_order_relaxed) != 0) {
      in_flight.store(0, std::memory_order_release);
    }
  }
  OrderScope(const OrderScope&) = delete;
  OrderScope& operator=(const OrderScope&) = delete;

  bool ordered() const { return ordered_; }
  uint64_t take(OrderMoment moment) {
    thread_.heap.last_order = take_order(moment);
    return thread_.heap.last_order;
  }

 private:
  ThreadState& thread_;
  bool inner_;
  bool ordered_;
};

}  // namespace flarestack::agent
