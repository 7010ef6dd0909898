// SPDX-License-Identifier: Apache-2.0
#include "preload/heap.h"

#include <sys/syscall.h>

#include "preload/agent.h"
#include "preload/heap_writer.h"
#include "preload/modules.h"
#include "preload/regions.h"
#include "preload/sandbox.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

constinit std::atomic<uint64_t> forks{0};

void put_pool(HeapWriter& writer, uint32_t pool) {
  writer.put(static_cast<uint64_t>(HeapKind::kRegion) | RegionWord{RegionDeed::kPool, pool}.pack());
  writer.put(0);
}

// An event of one or two words.
void write_short(ThreadState& thread, HeapKind kind, HiddenBlock block, OrderMoment moment, const uint64_t* word1,
                 uint64_t flags = 0, uint32_t pool = 0) {
  const bool inner = thread.heap.writing;
  thread.heap.writing = true;
  {
    HeapWriter writer(thread, inner);
    OrderScope order(thread, inner);
    const uint64_t wide = heap_wide_part(block.address());
    const uint32_t words = 1U + (wide != 0 ? 1 : 0) + (word1 != nullptr ? 1 : 0) + (order.ordered() ? 1 : 0) +
                           (pool != 0 ? kRegionWords : 0);
    if (writer.reserve(words)) {
      order.begin();
      if (pool != 0) [[unlikely]] {
        put_pool(writer, pool);
      }
      if (wide != 0) [[unlikely]] {
        writer.put_number(HeapKind::kWide, wide);
      }
      const HeapWord0 word0{kind, static_cast<uint8_t>((order.ordered() ? kHeapOrdered : 0) | flags), 0,
                            block.address() & ((uint64_t{1} << 47) - 1)};
      writer.put(word0.pack());
      if (word1 != nullptr) {
        writer.put(*word1);
      }
      if (order.ordered()) {
        writer.put(order.take(moment));
      }
      writer.publish();
    }
  }
  thread.heap.writing = inner;
}

void write_with_stack(ThreadState& thread, const StackEvent& event, const StackTrace& trace, uint64_t generation,
                      bool inner) {
  HeapThread& heap = thread.heap;
  HeapWriter writer(thread, inner);
  OrderScope order(thread, inner);
  const uint32_t added = trace.count - trace.kept;
  const uint64_t wide = heap_wide_part(event.block.address());
  const bool tells_generation = !inner && heap.generation != generation;
  const uint64_t time_ns = heap.time_ns.load(std::memory_order_relaxed);
  const bool tells_time = !inner && time_ns != heap.told_time_ns;
  const bool is_realloc = event.kind == HeapKind::kReallocate;
  const uint32_t words = 2U + added + (wide != 0 ? 1 : 0) + (tells_generation ? 1 : 0) + (tells_time ? 1 : 0) +
                         (order.ordered() ? 1 : 0) + (trace.elided != 0 ? 1 : 0) + (is_realloc ? 1 : 0) +
                         (event.pool != 0 ? kRegionWords : 0);
  if (!writer.reserve(words)) {
    return;
  }
  order.begin();
  if (tells_generation) [[unlikely]] {
    writer.put_number(HeapKind::kGeneration, generation);
    heap.generation = generation;
  }
  if (tells_time) {
    writer.put_number(HeapKind::kTime, time_ns);
    heap.told_time_ns = time_ns;
  }
  if (event.pool != 0) [[unlikely]] {
    put_pool(writer, event.pool);
  }
  if (wide != 0) [[unlikely]] {
    writer.put_number(HeapKind::kWide, wide);
  }
  const uint64_t flags = (order.ordered() ? kHeapOrdered : 0) | (trace.heuristic ? kHeapHeuristic : 0) |
                         (trace.end != UnwindEnd::kRoot ? kHeapTruncated : 0) | (trace.elided != 0 ? kHeapElided : 0);
  writer.put(HeapWord0{event.kind, static_cast<uint8_t>(flags), static_cast<uint16_t>(added & 0xfff),
                       event.block.address() & ((uint64_t{1} << 47) - 1)}
                 .pack());
  writer.put(HeapWord1{event.size_bytes, trace.kept, added > 0xfff, inner}.pack());
  if (order.ordered()) {
    writer.put(order.take(OrderMoment::kAfterCall));
  }
  if (trace.elided != 0) [[unlikely]] {
    writer.put(trace.elided);
  }
  if (is_realloc) {
    writer.put(event.old_block.address());
  }
  for (uint32_t i = trace.kept; i < trace.count; ++i) {
    writer.put(trace.frames[i].bits());
  }
  writer.publish();
}

// Of a signal handler's event: all there is time for.
void write_without_walk(ThreadState& thread, const StackEvent& event, uint64_t return_address) {
  const FrameAddress frame({return_address}, AddressKind::kReturnAddress);
  StackTrace trace;
  trace.frames = &frame;
  trace.count = 1;
  trace.end = UnwindEnd::kLimit;
  write_with_stack(thread, event, trace, 0, true);
}

bool prepare(ThreadState& thread) {
  HeapThread& heap = thread.heap;
  if (heap.unwinder == nullptr) {
    void* memory = map_memory(Unwinder::memory_bytes());
    if (memory == nullptr) {
      return false;
    }
    heap.unwinder = Unwinder::create(memory);
    heap.unwinder->reset();
  }
  return true;
}

}  // namespace

constinit ProviderCode heap_provider_code{};

// Once, and only from right below: what was left by an operator that threw is no one's.
[[gnu::noinline]] void HeapCall::take_relay(HeapThread& heap) {
  if (heap.relay_stack_pointer - caller_.stack_pointer - 1 < HeapRelay::kMostFrameBytes) {
    caller_ = {heap.relay_return_address, heap.relay_stack_pointer, heap.relay_frame_pointer};
    relayed_ = true;
    relayed_bytes_ = heap.relay_size_bytes;
  }
  heap.relay_stack_pointer = 0;
}

// A thread that the agent did not see start, or one whose state was just claimed.
[[gnu::noinline]] ThreadState* HeapCall::adopt() {
  ThreadState* thread = this_thread();
  if (thread == nullptr) {
    heap_expects_thread();
    thread = claim_thread();
    if (thread == nullptr) {
      the_agent.session.page().heap_events_lost.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    slot_of(*thread).clock = SampleClock::kNone;
    enter_thread(*thread);
  }
  HeapThread& heap = thread->heap;
  const SlotHeader& slot = slot_of(*thread);
  heap.reserved = slot.heap_head.load(std::memory_order_relaxed);
  heap.known_tail = slot.heap_tail.load(std::memory_order_acquire);
  heap.bell_at = heap.known_tail + heap_ring_bytes(thread->slot) / 2;
  heap.mark = 0;
  heap.relay_stack_pointer = 0;
  heap.writing = false;
  heap.generation = 0;
  heap.gap_events = 0;
  heap.told_time_ns = heap.time_ns.load(std::memory_order_relaxed);
  heap.ring_bytes = heap_ring_bytes(thread->slot);
  if (heap_switches->sampled.load(std::memory_order_relaxed) != 0) {
    heap.until_sample_bytes = next_sample_distance(heap);
  }
  if (heap.unwinder != nullptr) {
    heap.unwinder->reset();
  }
  heap.ring = the_agent.session.heap_ring(thread->slot);
  return thread;
}

// Whether a call from within the real call is a signal handler's, which glibc forbids and some allocators allow. All
// others are the provider's, or of the wrappers that it consists of.
bool HeapCall::is_handler(ThreadState& thread, bool same_stack) const {
  constexpr uint64_t kLeastSignalFrameBytes = 1400;  // ucontext, siginfo and the registers that FXSAVE saves
  HeapThread& heap = thread.heap;
  if (heap_provider_code.has(caller_.return_address)) {
    return false;
  }
  if (!same_stack) {
    return true;
  }
  if (heap.mark - caller_.stack_pointer < kLeastSignalFrameBytes || heap.unwinder == nullptr) {
    return false;
  }
  heap.unwinder->reset();  // what it holds is the ring's previous stack: the next one is told whole
  const SnapshotHold snapshot(heap.snapshot);
  const StackTrace trace = walk(thread, *snapshot);
  bool interrupted = false;
  for (uint32_t i = 0; i < trace.count; ++i) {
    interrupted = interrupted || trace.frames[i].kind() == AddressKind::kInstruction;
  }
  heap.unwinder->reset();
  return interrupted;
}

// Whether this call comes from within another one that goes on, and does not count. A handler that came while an event
// was written is no inner call. Called with a mark.
[[gnu::noinline]] bool HeapCall::is_inner(ThreadState& thread) const {
  const uint64_t stack_bytes = thread.stack_high - thread.stack_low;
  const bool here_main = caller_.stack_pointer - thread.stack_low < stack_bytes;
  const bool mark_main = thread.heap.mark - thread.stack_low < stack_bytes;
  const bool stale = here_main == mark_main ? caller_.stack_pointer >= thread.heap.mark : here_main;
  if (!stale) {
    return !thread.heap.writing && !is_handler(thread, here_main == mark_main);
  }
  thread.heap.mark = 0;
  if (thread.heap.writing) {
    // Somebody jumped out of a signal handler that came while an event was written: words are missing in its middle.
    SlotHeader& slot = slot_of(thread);
    thread.heap.writing = false;
    thread.heap.reserved = slot.heap_head.load(std::memory_order_relaxed);
    thread.heap.unwinder->reset();
    thread.heap.generation = 0;
    slot.heap_in_flight.store(0, std::memory_order_relaxed);
    slot.heap_lost.fetch_add(1, std::memory_order_relaxed);
  }
  return false;
}

StackTrace HeapCall::walk(ThreadState& thread, const ModuleSnapshot& snapshot) const {
  MachineRegisters& registers = thread.heap.registers;
  registers.value[MachineRegisters::kRip] = caller_.return_address;
  registers.value[MachineRegisters::kRsp] = caller_.stack_pointer;
  registers.value[MachineRegisters::kRbp] = caller_.frame_pointer;
  const bool on_own_stack = caller_.stack_pointer - thread.stack_low < thread.stack_high - thread.stack_low;
  const StackBounds bounds = on_own_stack ? StackBounds{caller_.stack_pointer, thread.stack_high, 0}
                                          : StackBounds{thread.stack_high, thread.stack_high, thread.stack_low};
  return thread.heap.unwinder->unwind(registers, AddressKind::kReturnAddress, snapshot, bounds,
                                      Unwinder::kCallRegisters);
}

// While the program has the recording paused nothing is allocated; reallocated() has taken care of the old block.
[[gnu::noinline]] void HeapCall::event(const StackEvent& event) const {
  if (thread_ == nullptr || recording_paused()) {
    return;
  }
  HeapThread& heap = thread_->heap;
  if (heap.writing) [[unlikely]] {
    write_without_walk(*thread_, event, caller_.return_address);
    return;
  }
  if (!prepare(*thread_)) [[unlikely]] {
    slot_of(*thread_).heap_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  heap.writing = true;
  const SnapshotHold snapshot(heap.snapshot);
  const uint64_t generation = (*snapshot).generation;
  if (heap.generation != generation) [[unlikely]] {
    heap.unwinder->reset();
  }
  const StackTrace trace = walk(*thread_, *snapshot);
  write_with_stack(*thread_, event, trace, generation, false);
  heap.writing = false;
}

// In sampled mode: an allocation that a sampling point fell on.
[[gnu::noinline]] void HeapCall::sample(HiddenBlock block, uint64_t size_bytes) const {
  if (recording_paused()) {
    return;
  }
  if (!enter_sampled(block.address())) {
    slot_of(*thread_).heap_lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  thread_->heap.sampled_block = block.address();
  thread_->heap.sampled_allocation = thread_->heap.allocations;
  event({HeapKind::kAllocate, block, size_bytes});
}

void HeapCall::freeing(HiddenBlock block) const {
  if (thread_ != nullptr && heap_switches->sampled.load(std::memory_order_relaxed) != 0) {
    if (leave_sampled(block.address())) {
      const HeapThread& heap = thread_->heap;
      const bool temporary = block.address() == heap.sampled_block && heap.allocations == heap.sampled_allocation;
      write_short(*thread_, HeapKind::kFree, block, OrderMoment::kBeforeCall, nullptr, temporary ? kHeapTemporary : 0);
    }
  } else if (thread_ != nullptr) {
    write_short(*thread_, HeapKind::kFree, block, OrderMoment::kBeforeCall, nullptr);
  }
}

void HeapCall::reallocating(HiddenBlock old_block) {
  if (thread_ == nullptr) {
    return;
  }
  if (heap_switches->sampled.load(std::memory_order_relaxed) != 0) {
    if (leave_sampled(old_block.address())) {
      announced_ = true;
      write_short(*thread_, HeapKind::kReallocateBegin, old_block, OrderMoment::kBeforeCall, nullptr);
    }
  } else if (heap_switches->ordered.load(std::memory_order_relaxed) != 0) {
    announced_ = true;
    write_short(*thread_, HeapKind::kReallocateBegin, old_block, OrderMoment::kBeforeCall, nullptr);
  }
}

void HeapCall::reallocated(HiddenBlock old_block, HiddenBlock block, uint64_t size_bytes) const {
  if (thread_ == nullptr) {
    return;
  }
  if (heap_switches->sampled.load(std::memory_order_relaxed) != 0) {
    const bool gone = !block.is_null() || size_bytes == 0;
    if (announced_) {
      write_short(*thread_, gone ? HeapKind::kReallocateFreed : HeapKind::kReallocateFailed, old_block,
                  OrderMoment::kAfterCall, nullptr);
    }
    if (announced_ && !gone && !enter_sampled(old_block.address())) {
      slot_of(*thread_).heap_lost.fetch_add(1, std::memory_order_relaxed);
    }
    if (!block.is_null()) {
      allocated(block, size_bytes);
    }
    return;
  }
  const bool forgets_new = !block.is_null() && recording_paused();
  if (!block.is_null() && !forgets_new) {
    event({announced_ ? HeapKind::kReallocateEnd : HeapKind::kReallocate, block, size_bytes, old_block});
  } else if (announced_) {
    const HeapKind kind = size_bytes == 0 || forgets_new ? HeapKind::kReallocateFreed : HeapKind::kReallocateFailed;
    write_short(*thread_, kind, old_block, OrderMoment::kAfterCall, nullptr);
  } else if (size_bytes == 0 || forgets_new) {
    write_short(*thread_, HeapKind::kFree, old_block, OrderMoment::kAfterCall, nullptr);
  }
}

void HeapCall::unmapping(uint64_t address, uint64_t size_bytes) const {
  if (thread_ != nullptr) {
    const uint64_t word1 = HeapWord1{size_bytes}.pack();
    write_short(*thread_, HeapKind::kUnmap, HiddenBlock(address), OrderMoment::kBeforeCall, &word1);
  }
}

void HeapCall::pool_allocated(const char* pool, HiddenBlock block, uint64_t size_bytes) const {
  if (const uint32_t node = thread_ != nullptr ? pool_node(pool) : 0; node != 0) {
    event({HeapKind::kAllocate, block, size_bytes, {}, node});
  }
}

void HeapCall::pool_freeing(const char* pool, HiddenBlock block) const {
  if (const uint32_t node = thread_ != nullptr ? pool_node(pool) : 0; node != 0) {
    write_short(*thread_, HeapKind::kFree, block, OrderMoment::kBeforeCall, nullptr, 0, node);
  }
}

void heap_before_fork() {
  ThreadState* thread = heap_switches->on.load(std::memory_order_relaxed) != 0 ? this_thread() : nullptr;
  if (thread == nullptr) {
    return;
  }
  thread->heap.fork_number = forks.fetch_add(1, std::memory_order_relaxed) + 1;
  if (thread->heap.ring == nullptr) {
    HeapCall::adopt();  // this thread has allocated nothing, but others may have, and who forked this process
  }
  if (thread->heap.writing) {
    return;  // a signal handler that forks
  }
  thread->heap.writing = true;
  HeapWriter writer(*thread, false);
  OrderScope order(*thread, false);
  if (writer.reserve(order.ordered() ? 2 : 1)) {
    order.begin();
    if (order.ordered()) {
      writer.put_ordered_number(HeapKind::kFork, thread->heap.fork_number, order.take(OrderMoment::kBeforeCall));
    } else {
      writer.put_number(HeapKind::kFork, thread->heap.fork_number);
    }
    writer.publish();
  }
  thread->heap.writing = false;
}

void reset_heap() {
  for (uint32_t i = 0; i < kSlotCount && thread_of_slot(i) != nullptr; ++i) {
    HeapThread& heap = thread_of_slot(i)->heap;
    heap.ring = nullptr;  // adopt() sets up the rest
    heap.snapshot.store(nullptr, std::memory_order_relaxed);
    heap.last_order = 0;
  }
}

}  // namespace flarestack::agent
