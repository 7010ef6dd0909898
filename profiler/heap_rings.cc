// SPDX-License-Identifier: Apache-2.0
#include "profiler/heap_rings.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <utility>

namespace flarestack {
namespace {

// How far behind the present events are taken: a store of another thread has long been seen by then (store buffers
// drain in well under a microsecond; this is 20 at 5 GHz).
constexpr uint64_t kMarginTicks = 100'000;

bool has_word1(HeapKind kind) {
  return kind == HeapKind::kAllocate || kind == HeapKind::kReallocate || kind == HeapKind::kReallocateEnd ||
         kind == HeapKind::kMap || kind == HeapKind::kUnmap;
}

bool has_stack(HeapKind kind) { return has_word1(kind) && kind != HeapKind::kUnmap; }

uint64_t present_order(const SessionPage& page) {
  if (page.order_source == OrderSource::kCounter) {
    return page.order_counter.load(std::memory_order_seq_cst);
  }
  return __builtin_ia32_rdtsc() - kMarginTicks;
}

}  // namespace

HeapRings::HeapRings(Parts parts)
    : parts_(std::move(parts)),
      tracker_(parts_.process, *parts_.writer,
               parts_.session.page().heap == HeapRecording::kSampled ? parts_.session.page().heap_sample_bytes : 0),
      ticks_(parts_.session.page().order_source),
      slots_(kSlotCount),
      sampled_(parts_.session.page().heap == HeapRecording::kSampled) {}

void HeapRings::begin_look(bool all, Limits& limits) const {
  limits.cut = all ? UINT64_MAX : present_order(parts_.session.page());
}

void HeapRings::look_at(uint32_t index, bool all, Limits& limits) const {
  const SlotHeader& header = parts_.session.slot(index);
  // First whether an event is in the making, then what has been made: pairs with the release in OrderScope's end.
  const uint64_t in_flight = all ? 0 : header.heap_in_flight.load(std::memory_order_acquire);
  limits.heads[index] = header.heap_head.load(std::memory_order_acquire);
  if (in_flight != 0) {
    limits.cut = std::min(limits.cut, in_flight);
  }
}

bool HeapRings::is_drained(uint32_t slot) const {
  const SlotHeader& header = parts_.session.slot(slot);
  return header.heap_head.load(std::memory_order_acquire) == header.heap_tail.load(std::memory_order_relaxed);
}

void HeapRings::forget_thread(uint32_t slot) {
  SlotHeader& header = parts_.session.slot(slot);
  lost_ += header.heap_lost.exchange(0, std::memory_order_relaxed);
  if (slots_[slot] != nullptr && slots_[slot]->held_block != 0) {
    tracker_.put_back(slots_[slot]->held);  // it died inside realloc
  }
  tracker_.settle();  // it borrows the slot's
  tracker_.thread_ended();
  if (slots_[slot] != nullptr && slots_[slot]->regions != nullptr) {
    slots_[slot]->regions->leave(parts_.origin.now());
  }
  slots_[slot].reset();
}

uint64_t HeapRings::word(const Cursor& cursor, uint32_t index) {
  return cursor.ring[((cursor.position + uint64_t{index} * 8) & cursor.mask) / 8].load(std::memory_order_relaxed);
}

// Words of the record that begins with `word0`; 0: it makes no sense.
uint32_t HeapRings::words_of(const Cursor& cursor, uint64_t word0) {
  const HeapWord0 head = HeapWord0::unpack(word0);
  const uint64_t available = (cursor.head - cursor.position) / 8;
  uint32_t words = 1 + ((head.flags & kHeapOrdered) != 0 ? 1 : 0);
  if (head.kind == HeapKind::kNone || head.kind >= HeapKind::kRegion) {  // peek() has taken those
    return 0;
  }
  if (has_word1(head.kind)) {
    ++words;
    if (available < 2) {
      return 0;
    }
  }
  if (has_stack(head.kind)) {
    const HeapWord1 second = HeapWord1::unpack(word(cursor, 1));
    words += (second.added_bit_12 ? 0x1000 : 0) + head.added_low + ((head.flags & kHeapElided) != 0 ? 1 : 0) +
             (head.kind == HeapKind::kReallocate ? 1 : 0);
  }
  return words <= available && words <= kHeapMaxRecordWords ? words : 0;
}

// A record that is about the next ones; true: it was one, and is consumed.
bool HeapRings::take_number(Cursor& cursor, uint64_t word0) {
  Slot& slot = *slots_[cursor.slot];
  const uint64_t number = word0 >> kHeapNumberShift;
  switch (static_cast<HeapKind>(word0 & 15)) {
    case HeapKind::kGeneration:
      slot.generation = static_cast<uint32_t>(number);
      break;
    case HeapKind::kTime:
      slot.time_ns = std::clamp<int64_t>(parts_.origin.since(number), slot.time_ns, now_ns_);
      break;
    case HeapKind::kGap:
      lost_ += number;
      timed_losses_ += number;
      last_loss_ns_ = now_ns_;
      break;
    case HeapKind::kWide:
      slot.wide = number;
      break;
    case HeapKind::kRegion:
      return take_region(cursor, word0);
    default:
      return false;
  }
  cursor.position += 8;
  return true;
}

// Finds the next event of the ring; false: there is none.
bool HeapRings::peek(Cursor& cursor) {
  while (cursor.position != cursor.head) {
    const uint64_t word0 = word(cursor, 0);
    if ((word0 & kHeapOrdered) == 0 && take_number(cursor, word0)) {
      continue;
    }
    cursor.words = words_of(cursor, word0);
    if (cursor.words == 0) {
      damaged(cursor);
      return false;
    }
    cursor.order = 0;
    if ((word0 & kHeapOrdered) != 0) {
      // Of one thread they only grow; a target that says otherwise must not get anything merged twice.
      Slot& slot = *slots_[cursor.slot];
      cursor.order = std::max(word(cursor, has_word1(static_cast<HeapKind>(word0 & 15)) ? 2 : 1), slot.last_order);
      slot.last_order = cursor.order;
    }
    return true;
  }
  return false;
}

void HeapRings::damaged(Cursor& cursor) {
  ++damaged_;
  Slot& slot = *slots_[cursor.slot];
  slot.stack.clear();
  slot.wide = 0;
  cursor.position = cursor.head & ~uint64_t{7};
}

void HeapRings::consume(Cursor& cursor) {
  SlotHeader& header = parts_.session.slot(cursor.slot);
  cursor.consumed = cursor.position;
  // Pairs with the load in wait_for_room(): it sees this tail, or we see that it waits.
  header.heap_tail.store(cursor.position, std::memory_order_seq_cst);
  if (header.heap_reader_wakes.load(std::memory_order_seq_cst) != 0) {
    header.heap_reader_wakes.store(0, std::memory_order_relaxed);
    syscall(SYS_futex, static_cast<void*>(&header.heap_tail), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
}

// Moves the first one to its place in the heap.
void HeapRings::sift_down(std::vector<Turn>& turns) {
  for (size_t at = 0, child = 1; child < turns.size(); at = child, child = 2 * at + 1) {
    child += child + 1 < turns.size() && turns[child] > turns[child + 1] ? 1 : 0;
    if (!(turns[at] > turns[child])) {
      return;
    }
    std::swap(turns[at], turns[child]);
  }
}

HeapRings::Left HeapRings::drain(uint32_t slot_count, const Limits& limits) {
  const int64_t earlier_ns = std::exchange(now_ns_, parts_.origin.now());
  ticks_.look();
  if (inherited_ != nullptr && inherited_->reached) {
    tracker_.inherit(std::move(inherited_->inheritance));
    inherited_.reset();
  }
  if (inherited_ != nullptr && limits.cut != UINT64_MAX && now_ns_ < inherited_until_ns_) {
    now_ns_ = earlier_ns;
    return Left::kLittle;  // the parent's events have not been read up to the fork
  }
  std::vector<Cursor> cursors;
  for (uint32_t i = 0; i < slot_count; ++i) {
    SlotHeader& header = parts_.session.slot(i);
    Cursor cursor;
    cursor.slot = i;
    cursor.head = limits.heads[i];
    cursor.position = header.heap_tail.load(std::memory_order_relaxed) & ~uint64_t{7};
    cursor.consumed = cursor.position;
    if (cursor.position == cursor.head) {
      continue;
    }
    if (slots_[i] == nullptr) {
      slots_[i] = std::make_unique<Slot>();
      slots_[i]->thread = parts_.thread_of(i);
    }
    slots_[i]->time_ns = std::max(slots_[i]->time_ns, earlier_ns);  // nearly all of it was written since
    cursor.ring = parts_.session.heap_ring(i);
    cursor.mask = heap_ring_bytes(i) - 1;
    if (cursor.head - cursor.position > heap_ring_bytes(i) || cursor.head % 8 != 0) {
      damaged(cursor);
      consume(cursor);
      continue;
    }
    if (peek(cursor)) {
      cursors.push_back(cursor);
    } else {
      consume(cursor);
    }
  }
  // A heap by order (std::make_heap's layout), the lowest on top; a deallocation comes before an allocation of the same
  // number, which a shared counter gives to none.
  std::vector<Turn> turns;
  for (uint32_t i = 0; i < cursors.size(); ++i) {
    turns.push_back({cursors[i].order, i});
  }
  std::make_heap(turns.begin(), turns.end(), std::greater<>());
  while (!turns.empty() && turns.front().order <= limits.cut) {
    Cursor& cursor = cursors[turns.front().cursor];
    uint64_t next_order = limits.cut;
    for (size_t i = 1; i < std::min<size_t>(turns.size(), 3); ++i) {
      next_order = std::min(next_order, turns[i].order);
    }
    bool more = true;
    do {
      take(cursor);
      cursor.position += uint64_t{cursor.words} * 8;
      if (cursor.position - cursor.consumed > heap_ring_bytes(cursor.slot) / 8) {
        consume(cursor);
      }
      more = peek(cursor);
    } while (more && cursor.order <= next_order);
    if (more) {
      turns.front().order = cursor.order;
    } else {
      consume(cursor);
      turns.front() = turns.back();
      turns.pop_back();
    }
    sift_down(turns);
  }
  Left left = turns.empty() ? Left::kNothing : Left::kLittle;
  for (const Turn turn : turns) {
    Cursor& cursor = cursors[turn.cursor];
    consume(cursor);  // with what it says about the next event, which has been taken
    left = cursor.head - cursor.position > heap_ring_bytes(cursor.slot) / 4 ? Left::kMuch : left;
  }
  end_slice(false);
  return left;
}

// The old block of a reallocation is gone.
void HeapRings::drop_held(Slot& slot) {
  const uint64_t block = std::exchange(slot.held_block, 0);
  if (block != 0) {
    tracker_.drop(slot.held, !sampled_ && block == slot.last_block ? slot.thread : ThreadId{}, slot.time_ns,
                  slot.regions.get());
  }
}

void HeapRings::take(const Cursor& cursor) {
  ++events_;
  Slot& slot = *slots_[cursor.slot];
  const uint64_t word0 = word(cursor, 0);
  HeapWord0 head = HeapWord0::unpack(word0);
  head.block = heap_with_wide_part(head.block, std::exchange(slot.wide, 0));
  if (slot.pool != 0 && head.kind == HeapKind::kFree) {
    return take_pool_event(std::exchange(slot.pool, 0), head, {}, 0);
  }
  switch (head.kind) {
    case HeapKind::kFree: {
      const bool temporary = sampled_ ? (head.flags & kHeapTemporary) != 0 : head.block == slot.last_block;
      tracker_.free(head.block, temporary ? slot.thread : ThreadId{}, slot.time_ns, slot.regions.get());
      slot.last_block = temporary ? 0 : slot.last_block;
      break;
    }
    case HeapKind::kReallocateBegin:
      if (slot.held_block != 0) {
        tracker_.put_back(slot.held);  // somebody jumped out of that one: nobody knows what became of the block
      }
      tracker_.hold(head.block, slot.held);
      slot.held_block = head.block;
      break;
    case HeapKind::kReallocateFailed:
      if (std::exchange(slot.held_block, 0) != 0) {
        tracker_.put_back(slot.held);
      }
      break;
    case HeapKind::kReallocateFreed:
      drop_held(slot);
      break;
    case HeapKind::kUnmap:
      tracker_.unmap(head.block, HeapWord1::unpack(word(cursor, 1)).size_bytes, slot.time_ns);
      break;
    case HeapKind::kFork: {
      const std::shared_ptr<ForkPoint> point = fork_point(static_cast<uint32_t>(word0 >> kHeapNumberShift));
      if (point.use_count() > 1) {  // else the child asked for it and has ended
        point->inheritance = tracker_.for_child();
        point->reached = true;
      }
      break;
    }
    case HeapKind::kAllocate:
    case HeapKind::kReallocate:
    case HeapKind::kReallocateEnd:
    case HeapKind::kMap:
      take_with_stack(cursor, head, slot);
      break;
    default:
      ++damaged_;  // a number with an order, where there is none
  }
}

void HeapRings::take_with_stack(const Cursor& cursor, HeapWord0 head, Slot& slot) {
  const HeapWord1 second = HeapWord1::unpack(word(cursor, 1));
  const uint32_t added = head.added_low + (second.added_bit_12 ? 0x1000 : 0);
  uint32_t at = 2 + ((head.flags & kHeapOrdered) != 0 ? 1 : 0);
  const bool elided = (head.flags & kHeapElided) != 0;
  at += elided ? 1 : 0;
  const uint64_t old_block = head.kind == HeapKind::kReallocate ? word(cursor, at++) : 0;
  HeapTracker::Origin origin{slot.thread, {}};
  parts_.frames->set_time(slot.time_ns);
  if (second.inner) {
    // A signal handler's, without a walk: the ring's previous stack stays what it is.
    origin.stack = added != 0 ? parts_.frames->child({}, word(cursor, at), slot.generation) : StackId{};
  } else {
    const bool sound = slot.stack.keep(second.kept, added);
    damaged_ += sound ? 0 : 1;
    slot.stack.follow_time(*parts_.frames, slot.generation, elided);
    for (uint32_t i = 0; sound && i < added; ++i) {
      slot.stack.push(*parts_.frames, word(cursor, at + i), slot.generation, elided);
    }
    origin.stack = slot.stack.leaf();
  }
  heuristic_ += (head.flags & kHeapHeuristic) != 0 ? 1 : 0;
  truncated_ += (head.flags & kHeapTruncated) != 0 ? 1 : 0;
  elided_ += elided ? 1 : 0;
  if (const uint32_t pool = std::exchange(slot.pool, 0); pool != 0) {
    return take_pool_event(pool, head, origin, second.size_bytes);
  }
  if (head.kind == HeapKind::kMap) {
    tracker_.map(origin, head.block, second.size_bytes, slot.time_ns);
    return;
  }
  if (head.kind == HeapKind::kReallocate) {
    tracker_.free(old_block, old_block == slot.last_block ? slot.thread : ThreadId{}, slot.time_ns, slot.regions.get());
  } else if (head.kind == HeapKind::kReallocateEnd) {
    drop_held(slot);
  }
  tracker_.allocate(origin, head.block, second.size_bytes, slot.time_ns, slot.regions.get());
  slot.last_block = head.block;
}

}  // namespace flarestack
