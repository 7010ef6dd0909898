// SPDX-License-Identifier: Apache-2.0
// The allocation family: exported in front of the program's allocator, and one hook for each shape of entry that is
// hooked inline. Each calls the real function exactly once, whatever we think of it, and gives its result and errno
// untouched. The stack is taken from the hook's own frame: whatever called it is the allocation's leaf.
#include "preload/hooks_heap.h"

#include <cstddef>
#include <cstdint>

#include "preload/heap.h"
#include "preload/heap_provider.h"
#include "preload/hook.h"

namespace flarestack::agent {
namespace {

// The product that calloc and its like ask for; it did not overflow, since they succeeded.
uint64_t product(size_t count, size_t size_bytes) { return count * size_bytes; }

}  // namespace

// Inlined into the exported functions below; the copies whose addresses heap_hook() gives are jumped to. Either way the
// frame that heap_caller() sees is the one that the program called.

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_allocate(size_t size_bytes, void* (*real)(size_t)) {
  if (heap_passes_over_allocation(size_bytes)) {
    return real(size_bytes);
  }
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock block = call.take(real(size_bytes));
  if (!block.is_null() && call.counts()) {
    call.allocated(block, size_bytes);
  }
  return block.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_allocate_first2(size_t size_bytes, size_t x,
                                                                void* (*real)(size_t, size_t)) {
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock block = call.take(real(size_bytes, x));
  if (!block.is_null() && call.counts()) {
    call.allocated(block, size_bytes);
  }
  return block.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_allocate_first3(size_t size_bytes, size_t x, size_t y,
                                                                void* (*real)(size_t, size_t, size_t)) {
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock block = call.take(real(size_bytes, x, y));
  if (!block.is_null() && call.counts()) {
    call.allocated(block, size_bytes);
  }
  return block.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_allocate_second2(size_t x, size_t size_bytes,
                                                                 void* (*real)(size_t, size_t)) {
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock block = call.take(real(x, size_bytes));
  if (!block.is_null() && call.counts()) {
    call.allocated(block, size_bytes);
  }
  return block.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_allocate_second3(size_t x, size_t size_bytes, size_t y,
                                                                 void* (*real)(size_t, size_t, size_t)) {
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock block = call.take(real(x, size_bytes, y));
  if (!block.is_null() && call.counts()) {
    call.allocated(block, size_bytes);
  }
  return block.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_allocate_array(size_t count, size_t size_bytes,
                                                               void* (*real)(size_t, size_t)) {
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock block = call.take(real(count, size_bytes));
  if (!block.is_null() && call.counts()) {
    call.allocated(block, product(count, size_bytes));
  }
  return block.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_allocate_array_second3(size_t x, size_t count, size_t size_bytes,
                                                                       void* (*real)(size_t, size_t, size_t)) {
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock block = call.take(real(x, count, size_bytes));
  if (!block.is_null() && call.counts()) {
    call.allocated(block, product(count, size_bytes));
  }
  return block.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline int hook_posix_memalign(void** block, size_t alignment, size_t size_bytes,
                                                             int (*real)(void**, size_t, size_t)) {
  const HeapCall call(heap_caller(), kEntry);
  const int result = real(block, alignment, size_bytes);
  if (result == 0 && *block != nullptr && call.counts()) {
    call.allocated(HiddenBlock(*block), size_bytes);
  }
  return result;
}

// `real` takes the block, and what else the entry was given.
template <typename Real>
[[gnu::always_inline]] static inline void* reallocate(HeapCall& call, void* block, size_t size_bytes, Real real) {
  if (!call.counts()) {
    return real(block);
  }
  const HiddenBlock old_block = call.take(block);
  if (!old_block.is_null()) {
    call.reallocating(old_block);
  }
  const HiddenBlock result = call.take(real(old_block.pointer()));
  if (!old_block.is_null()) {
    call.reallocated(old_block, result, size_bytes);
  } else if (!result.is_null()) {
    call.allocated(result, size_bytes);
  }
  return result.pointer();
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_reallocate(void* block, size_t size_bytes,
                                                           void* (*real)(void*, size_t)) {
  HeapCall call(heap_caller(), kEntry);
  return reallocate(call, block, size_bytes, [=](void* old) { return real(old, size_bytes); });
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_reallocate3(void* block, size_t size_bytes, size_t x,
                                                            void* (*real)(void*, size_t, size_t)) {
  HeapCall call(heap_caller(), kEntry);
  return reallocate(call, block, size_bytes, [=](void* old) { return real(old, size_bytes, x); });
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_reallocate_second3(size_t x, void* block, size_t size_bytes,
                                                                   void* (*real)(size_t, void*, size_t)) {
  HeapCall call(heap_caller(), kEntry);
  return reallocate(call, block, size_bytes, [=](void* old) { return real(x, old, size_bytes); });
}

template <bool kEntry>
[[gnu::always_inline]] static inline void* hook_reallocate_array(void* block, size_t count, size_t size_bytes,
                                                                 void* (*real)(void*, size_t, size_t)) {
  HeapCall call(heap_caller(), kEntry);
  // An overflow fails: not to be taken for a size of 0.
  size_t total_bytes;
  if (__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
    total_bytes = SIZE_MAX;
  }
  return reallocate(call, block, total_bytes, [=](void* old) { return real(old, count, size_bytes); });
}

// The block stays where it is; the result is its usable size, below what was asked for where it could not grow.
template <bool kEntry>
[[gnu::always_inline]] static inline size_t hook_resize_in_place4(void* block, size_t size_bytes, size_t x, int y,
                                                                  size_t (*real)(void*, size_t, size_t, int)) {
  HeapCall call(heap_caller(), kEntry);
  if (!call.counts()) {
    return real(block, size_bytes, x, y);
  }
  const HiddenBlock hidden = call.take(block);
  call.reallocating(hidden);
  const size_t usable_bytes = real(hidden.pointer(), size_bytes, x, y);
  // As a failed reallocation where it could not grow. (One of size 0 does not occur.)
  call.reallocated(hidden, usable_bytes >= size_bytes ? hidden : HiddenBlock(), size_bytes | 1);
  return usable_bytes;
}

template <bool kEntry>
[[gnu::always_inline]] static inline void hook_free(void* block, void (*real)(void*)) {
  if (heap_passes_over_free(block)) {
    real(block);
    return;
  }
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock hidden = call.take(block);
  if (!hidden.is_null() && call.counts()) {
    call.freeing(hidden);
  }
  real(hidden.pointer());
}

template <bool kEntry>
[[gnu::always_inline]] static inline void hook_free2(void* block, size_t x, void (*real)(void*, size_t)) {
  if (heap_passes_over_free(block)) {
    real(block, x);
    return;
  }
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock hidden = call.take(block);
  if (!hidden.is_null() && call.counts()) {
    call.freeing(hidden);
  }
  real(hidden.pointer(), x);
}

template <bool kEntry>
[[gnu::always_inline]] static inline void hook_free3(void* block, size_t x, size_t y,
                                                     void (*real)(void*, size_t, size_t)) {
  if (heap_passes_over_free(block)) {
    real(block, x, y);
    return;
  }
  const HeapCall call(heap_caller(), kEntry);
  const HiddenBlock hidden = call.take(block);
  if (!hidden.is_null() && call.counts()) {
    call.freeing(hidden);
  }
  real(hidden.pointer(), x, y);
}

// Called by a jump: operator new.

static void* hook_relay(size_t size_bytes, void* (*real)(size_t)) {
  const HeapRelay relay(heap_caller(), size_bytes);
  return real(size_bytes);
}

static void* hook_relay2(size_t size_bytes, size_t x, void* (*real)(size_t, size_t)) {
  const HeapRelay relay(heap_caller(), size_bytes);
  return real(size_bytes, x);
}

static void* hook_relay3(size_t size_bytes, size_t x, size_t y, void* (*real)(size_t, size_t, size_t)) {
  const HeapRelay relay(heap_caller(), size_bytes);
  return real(size_bytes, x, y);
}

HookTable heap_hooks() {
  HookTable table;
  const auto set = [&table](HookShape shape, auto* hook) {
    table.hooks[static_cast<uint32_t>(shape)] = reinterpret_cast<void*>(hook);
  };
  set(HookShape::kAllocate, hook_allocate<true>);
  set(HookShape::kAllocateSizeFirst2, hook_allocate_first2<true>);
  set(HookShape::kAllocateSizeFirst3, hook_allocate_first3<true>);
  set(HookShape::kAllocateSizeSecond2, hook_allocate_second2<true>);
  set(HookShape::kAllocateSizeSecond3, hook_allocate_second3<true>);
  set(HookShape::kAllocateArray, hook_allocate_array<true>);
  set(HookShape::kAllocateArraySecond3, hook_allocate_array_second3<true>);
  set(HookShape::kPosixMemalign, hook_posix_memalign<true>);
  set(HookShape::kReallocate, hook_reallocate<true>);
  set(HookShape::kReallocate3, hook_reallocate3<true>);
  set(HookShape::kReallocateSecond3, hook_reallocate_second3<true>);
  set(HookShape::kReallocateArray, hook_reallocate_array<true>);
  set(HookShape::kResizeInPlace4, hook_resize_in_place4<true>);
  set(HookShape::kFree, hook_free<true>);
  set(HookShape::kFree2, hook_free2<true>);
  set(HookShape::kFree3, hook_free3<true>);
  set(HookShape::kRelay, hook_relay);
  set(HookShape::kRelay2, hook_relay2);
  set(HookShape::kRelay3, hook_relay3);
  return table;
}

}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK void* malloc(size_t size_bytes) noexcept {
  return hook_allocate<false>(size_bytes, heap_provider().malloc);
}
FLARESTACK_HOOK void* valloc(size_t size_bytes) noexcept {
  return hook_allocate<false>(size_bytes, heap_provider().valloc);
}
FLARESTACK_HOOK void* pvalloc(size_t size_bytes) noexcept {
  return hook_allocate<false>(size_bytes, heap_provider().pvalloc);
}
FLARESTACK_HOOK void* calloc(size_t count, size_t size_bytes) noexcept {
  return hook_allocate_array<false>(count, size_bytes, heap_provider().calloc);
}
FLARESTACK_HOOK void* memalign(size_t alignment, size_t size_bytes) noexcept {
  return hook_allocate_second2<false>(alignment, size_bytes, heap_provider().memalign);
}
FLARESTACK_HOOK void* aligned_alloc(size_t alignment, size_t size_bytes) noexcept {
  return hook_allocate_second2<false>(alignment, size_bytes, heap_provider().aligned_alloc);
}
FLARESTACK_HOOK int posix_memalign(void** block, size_t alignment, size_t size_bytes) noexcept {
  return hook_posix_memalign<false>(block, alignment, size_bytes, heap_provider().posix_memalign);
}
FLARESTACK_HOOK void* realloc(void* block, size_t size_bytes) noexcept {
  return hook_reallocate<false>(block, size_bytes, heap_provider().realloc);
}
FLARESTACK_HOOK void* reallocarray(void* block, size_t count, size_t size_bytes) noexcept {
  return hook_reallocate_array<false>(block, count, size_bytes, heap_provider().reallocarray);
}
FLARESTACK_HOOK void free(void* block) noexcept { hook_free<false>(block, heap_provider().free); }
