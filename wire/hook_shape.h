// SPDX-License-Identifier: Apache-2.0
// HookShape: the signatures of allocator entries that are hooked inline. The recorder finds the entries and writes
// jumps over them (docs/inline-hooks.md), the agent has one hook function for each shape. Both sides.
//
// A hook takes its entry's own arguments and, behind them, one more: a pointer to the displaced original, which the
// stub that a hooked entry jumps to puts into the next argument register of the System V ABI. So one hook serves any
// number of entries, and the exported malloc family, too.
#pragma once

#include <cstdint>

namespace flarestack {

enum class HookShape : uint32_t {
  kAllocate = 0,          // void* (size): malloc, valloc, pvalloc, operator new, mi_malloc
  kAllocateSizeFirst2,    // void* (size, x): aligned and nothrow operator new, mallocx, mi_malloc_aligned
  kAllocateSizeFirst3,    // void* (size, x, y): operator new, aligned and nothrow
  kAllocateSizeSecond2,   // void* (x, size): memalign, aligned_alloc, mi_heap_malloc
  kAllocateSizeSecond3,   // void* (x, size, y): mi_heap_malloc_aligned
  kAllocateArray,         // void* (count, size): calloc
  kAllocateArraySecond3,  // void* (x, count, size): mi_heap_calloc
  kPosixMemalign,         // int (void**, alignment, size)
  kReallocate,            // void* (block, size): realloc
  kReallocate3,           // void* (block, size, x): rallocx, mi_realloc_aligned
  kReallocateSecond3,     // void* (x, block, size): mi_heap_realloc
  kReallocateArray,       // void* (block, count, size): reallocarray
  kResizeInPlace4,        // size_t (block, size, x, y): xallocx
  kFree,                  // void (block): free, cfree, operator delete
  kFree2,                 // void (block, x): sized or aligned or nothrow operator delete, dallocx
  kFree3,                 // void (block, x, y): operator delete, sized and aligned; sdallocx
  // Operator new of a module without an allocator (libstdc++), which calls another module's malloc: that is the
  // allocation, and the caller of the operator is its leaf.
  kRelay,
  kRelay2,
  kRelay3,
};
inline constexpr uint32_t kHookShapeCount = 19;

// How many arguments the entry has; the hook's additional one comes behind them.
inline constexpr uint32_t hook_arity(HookShape shape) {
  switch (shape) {
    case HookShape::kAllocate:
    case HookShape::kFree:
    case HookShape::kRelay:
      return 1;
    case HookShape::kAllocateSizeFirst2:
    case HookShape::kAllocateSizeSecond2:
    case HookShape::kAllocateArray:
    case HookShape::kReallocate:
    case HookShape::kFree2:
    case HookShape::kRelay2:
      return 2;
    case HookShape::kResizeInPlace4:
      return 4;
    default:
      return 3;
  }
}

}  // namespace flarestack
