// SPDX-License-Identifier: Apache-2.0
// HugeVector: a vector for many small things that are asked for in no order, on huge pages where there are any. On a
// virtual machine a TLB miss costs a walk of two page tables: the scan of 8 million blocks took twice as long without.
// Recorder side.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace flarestack {

// As std::allocator, but that what has no initialiser is left as it is: a vector(n) of such does not touch its memory.
template <typename T>
struct HugePageAllocator {
  using value_type = T;
  static constexpr size_t kPageBytes = size_t{2} << 20;  // of x86-64
  static constexpr size_t kLeastBytes = 4 * kPageBytes;  // below, the last page would be much of the whole

  HugePageAllocator() = default;
  template <typename U>
  HugePageAllocator(const HugePageAllocator<U>& /*other*/) {}

  T* allocate(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (bytes < kLeastBytes) {
      return std::allocator<T>().allocate(count);
    }
    const size_t rounded = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    void* memory = bytes <= rounded ? std::aligned_alloc(kPageBytes, rounded) : nullptr;
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    madvise(memory, rounded, MADV_HUGEPAGE);  // refused: as it is
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) {
    if (count * sizeof(T) < kLeastBytes) {
      std::allocator<T>().deallocate(memory, count);
    } else {
      std::free(memory);
    }
  }
  template <typename U, typename... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
  template <typename U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  bool operator==(const HugePageAllocator&) const = default;
};

template <typename T>
using HugeVector = std::vector<T, HugePageAllocator<T>>;

}  // namespace flarestack
