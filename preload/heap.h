// SPDX-License-Identifier: Apache-2.0
// Heap recording inside the target: what the hooks of the allocator do before and after the real call. Each event is
// written into the calling thread's own heap ring, with the stack as what changed since the ring's previous one.
//
// Only the outermost call counts: a provider may call its own entries. A hook marks its thread with its stack pointer;
// a mark is stale once the stack has unwound past it (an exception or siglongjmp out of a hook). A signal handler that
// allocates while an event is being written writes its own behind it, without a stack.
//
// No lock, and nothing written that another thread of the program writes, but the order counter where the time stamp
// counter does not serve.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/heap_sampling.h"
#include "preload/heap_switches.h"
#include "preload/thread_state.h"
#include "wire/heap_records.h"

namespace flarestack::agent {

// The code of the libraries that are allocators: where they call themselves and each other, the allocator is at work by
// itself.
struct ProviderCode {
  static constexpr uint32_t kMost = 8;
  uint32_t count;
  uint64_t start[kMost];
  uint64_t size_bytes[kMost];
  bool has(uint64_t address) const {
    for (uint32_t i = 0; i < count; ++i) {
      if (address - start[i] < size_bytes[i]) {
        return true;
      }
    }
    return false;
  }
};
extern ProviderCode heap_provider_code;

// Where a hook was called from: the caller's registers as they will be after the return.
struct HeapCaller {
  uint64_t return_address;
  uint64_t stack_pointer;  // = the CFA of the hook
  uint64_t frame_pointer;
};
// Of the function that it is inlined into.
[[gnu::always_inline]] inline HeapCaller heap_caller() {
  const auto* frame = static_cast<const uint64_t*>(__builtin_frame_address(0));
  return {frame[1], reinterpret_cast<uint64_t>(frame + 2), frame[0]};
}

// The address of a block as our frames keep it: complemented, since what they leave below the program's own frames
// would look like a reference to the leak scan, and a lost block reachable. HeapCall::take() makes it.
class HiddenBlock {
 public:
  HiddenBlock() = default;
  [[gnu::always_inline]] explicit HiddenBlock(uint64_t address) : complement_(~address) {
    asm("" : "+r"(complement_));  // the compiler forgets where it is from
  }
  [[gnu::always_inline]] explicit HiddenBlock(const void* block) : HiddenBlock(reinterpret_cast<uint64_t>(block)) {}
  bool is_null() const { return complement_ == ~uint64_t{0}; }
  bool operator==(const HiddenBlock& other) const { return complement_ == other.complement_; }
  // To be used at once, not kept over a call.
  [[gnu::always_inline]] uint64_t address() const {
    uint64_t complement = complement_;
    asm volatile("" : "+r"(complement));
    return ~complement;
  }
  [[gnu::always_inline]] void* pointer() const { return reinterpret_cast<void*>(address()); }

 private:
  uint64_t complement_ = ~uint64_t{0};
};

// What an event with a stack says.
struct StackEvent {
  HeapKind kind;
  HiddenBlock block;
  uint64_t size_bytes;
  HiddenBlock old_block = {};
  uint32_t pool = 0;  // a node of the region table; 0: it is the heap's
};

// An outermost call of the allocator, or of mmap and its like, from a hook.
class HeapCall {
 public:
  // [hook]
  // `entry`: the call came through an inline hook, where the provider's calls of itself arrive as well.
  [[gnu::always_inline]] explicit HeapCall(const HeapCaller& caller, bool entry = false) : caller_(caller) {
    if (heap_switches->on.load(std::memory_order_relaxed) == 0 ||
        (entry && heap_provider_code.has(caller.return_address))) {
      return;
    }
    ThreadState* thread = this_thread();
    if (thread == nullptr || thread->heap.ring == nullptr) [[unlikely]] {
      thread = adopt();
    }
    if (thread == nullptr || (thread->heap.mark != 0 && is_inner(*thread))) [[unlikely]] {
      return;
    }
    if (thread->heap.relay_stack_pointer != 0) [[unlikely]] {
      take_relay(thread->heap);
    }
    outer_mark_ = thread->heap.mark;
    thread->heap.mark = caller.stack_pointer;  // not the relay's
    thread_ = thread;
  }
  [[gnu::always_inline]] ~HeapCall() {
    if (thread_ != nullptr) {
      thread_->heap.mark = outer_mark_;
    }
    in_sight_ = 0;
  }
  HeapCall(const HeapCall&) = delete;
  HeapCall& operator=(const HeapCall&) = delete;

  // Whether this call counts. All others are no-ops otherwise.
  bool counts() const { return thread_ != nullptr; }

  // Of a block that the hook has in hand. A leak scan that stops the thread meanwhile sees it in this object, and
  // nowhere once that has ended.
  [[gnu::always_inline]] HiddenBlock take(const void* block) const {
    in_sight_ = reinterpret_cast<uint64_t>(block);
    asm volatile("" : : : "memory");
    return HiddenBlock(block);
  }

  // After the real call gave `block`. [hook]
  [[gnu::always_inline]] void allocated(HiddenBlock block, uint64_t asked_bytes) const {
    const uint64_t size_bytes = relayed_ ? relayed_bytes_ : asked_bytes;
    if (heap_switches->sampled.load(std::memory_order_relaxed) == 0) [[likely]] {
      event({HeapKind::kAllocate, block, size_bytes});
    } else if (thread_ != nullptr && takes_sample(thread_->heap, size_bytes)) {
      sample(block, size_bytes);
    }
  }
  // Before the real call. [hook]
  void freeing(HiddenBlock block) const;
  // Around the real call; `old_block` is not null. [hook]
  void reallocating(HiddenBlock old_block);
  void reallocated(HiddenBlock old_block, HiddenBlock block, uint64_t size_bytes) const;
  // [hook]
  void mapped(uint64_t address, uint64_t size_bytes) const {
    event({HeapKind::kMap, HiddenBlock(address), size_bytes});
  }
  void unmapping(uint64_t address, uint64_t size_bytes) const;
  // A block of one of the program's own pools, which is named; exact in every mode. [hook]
  void pool_allocated(const char* pool, HiddenBlock block, uint64_t size_bytes) const;
  void pool_freeing(const char* pool, HiddenBlock block) const;

  // The calling thread with a ring to write to, or nullptr. [hook]
  static ThreadState* adopt();

 private:
  void take_relay(HeapThread& heap);
  void sample(HiddenBlock block, uint64_t size_bytes) const;
  bool is_inner(ThreadState& thread) const;
  bool is_handler(ThreadState& thread, bool same_stack) const;
  StackTrace walk(ThreadState& thread, const ModuleSnapshot& snapshot) const;
  void event(const StackEvent& event) const;

  HeapCaller caller_;
  ThreadState* thread_ = nullptr;
  uint64_t outer_mark_ = 0;
  bool announced_ = false;
  bool relayed_ = false;
  uint64_t relayed_bytes_ = 0;
  mutable volatile uint64_t in_sight_ = 0;
};

// In sampled mode: whether an allocation, or a deallocation, is none that anything has to be done for. [hook]
[[gnu::always_inline]] inline bool heap_passes_over_allocation(uint64_t size_bytes) {
  if (heap_switches->sampled.load(std::memory_order_relaxed) == 0) {
    return false;
  }
  ThreadState* thread = this_thread();
  return thread != nullptr && thread->heap.ring != nullptr && thread->heap.mark == 0 &&
         passes_over(thread->heap, size_bytes);
}
[[gnu::always_inline]] inline bool heap_passes_over_free(const void* block) {
  return heap_switches->sampled.load(std::memory_order_relaxed) != 0 &&
         !may_be_sampled(reinterpret_cast<uint64_t>(block));
}

// Operator new of a module that has no allocator: the malloc that it calls is an allocation of its caller's.
class HeapRelay {
 public:
  // [hook]
  [[gnu::always_inline]] HeapRelay(const HeapCaller& caller, uint64_t size_bytes) {
    thread_ = heap_switches->on.load(std::memory_order_relaxed) != 0 ? this_thread() : nullptr;
    // Another operator that has just called this one (a nothrow form) is the one that counts.
    if (thread_ != nullptr && thread_->heap.relay_stack_pointer - caller.stack_pointer - 1 >= kMostFrameBytes) {
      thread_->heap.relay_return_address = caller.return_address;
      thread_->heap.relay_frame_pointer = caller.frame_pointer;
      thread_->heap.relay_stack_pointer = caller.stack_pointer;
      thread_->heap.relay_size_bytes = size_bytes;
    }
  }
  [[gnu::always_inline]] ~HeapRelay() {
    if (thread_ != nullptr) {
      thread_->heap.relay_stack_pointer = 0;
    }
  }
  HeapRelay(const HeapRelay&) = delete;
  HeapRelay& operator=(const HeapRelay&) = delete;

  static constexpr uint64_t kMostFrameBytes = 1024;  // of operator new

 private:
  ThreadState* thread_;
};

// The calling thread is about to fork: tells the recorder, and remembers which fork it is. [hook]
void heap_before_fork();
// In a fork's child: of what its memory says of the parent's rings nothing holds. [hook]
void reset_heap();

}  // namespace flarestack::agent
