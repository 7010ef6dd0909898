// SPDX-License-Identifier: Apache-2.0
// Heap events as they lie in a thread's heap ring: 8-byte words. docs/wire-protocol.md has the box diagrams.
//
//  word 0        63                       20 19      8 7     4 3    0
//               +---------------------------+---------+-------+------+
//               | block address / 8         | added   | flags | kind |
//               +---------------------------+---------+-------+------+
//  word 1        63      61 60     59     47 46                     0      (kinds with a stack, and kUnmap)
//               +----------+-----+----------+------------------------+
//               | inner 61 | a12 | kept     | requested bytes        |
//               +----------+-----+----------+------------------------+
//
//  kAllocate, kReallocateEnd, kMap:  word 0 | word 1 | [order] | [elided] | new frames, root first ...
//  kReallocate:                      word 0 | word 1 | [order] | [elided] | old block | new frames ...
//  kFree, kReallocateBegin:          word 0 | [order]                        the block, or the old block
//  kReallocateFailed, kReallocateFreed: word 0 | [order]                     the old block stays, or is gone
//  kUnmap:                           word 0 | word 1 | [order]
//  kGeneration, kTime, kGap, kFork:  word 0, its upper 56 bits a number | [order]
//  kRegion:                          word 0, word 1 of wire/regions.h
//  kWide:                            word 0, its upper 56 bits what the next record's address has beyond its 44 bits
//
// A stack is told as "keep the root-most `kept` frames of this ring's previous stack, then these `added` ones" (bit 12
// of the number in word 1). An inner event is a signal handler's that came while another one was written: it has one
// frame and leaves the ring's previous stack as it is. `order` is there once the process has had a second thread:
// events of all rings with an order are one sequence by it, and those without one come before what their ring holds
// behind them.
#pragma once

#include <cstdint>

namespace flarestack {

enum class HeapKind : uint8_t {
  kNone = 0,
  kAllocate = 1,
  kFree = 2,
  kReallocate = 3,       // while there is one thread: both halves at once
  kReallocateBegin = 4,  // before the call: the old block may be somebody else's in a moment
  kReallocateEnd = 5,    // success, the new block
  kReallocateFailed = 6,
  kReallocateFreed = 7,  // size 0, where the provider makes a deallocation of it
  kGeneration = 8,       // of the module list that frames from here on belong to
  kTime = 9,             // CLOCK_MONOTONIC, of about now
  kGap = 10,             // so many events before this one found no room for a whole second
  kMap = 11,             // mmap and its like, by the program itself
  kUnmap = 12,
  kFork = 13,  // the process forks; the number tells which fork it is
  kWide = 14,
  kRegion = 15,  // wire/regions.h
};

inline constexpr uint64_t kHeapOrdered = 1 << 4;
// In kAllocate and its like: a frame pointer was trusted where no CFI was. In kFree: of a temporary allocation, which
// in sampled mode the thread alone can tell.
inline constexpr uint64_t kHeapHeuristic = 1 << 5;
inline constexpr uint64_t kHeapTemporary = 1 << 5;
inline constexpr uint64_t kHeapTruncated = 1 << 6;  // the root side is missing, or there was no time to walk
inline constexpr uint64_t kHeapElided = 1 << 7;     // a word says how many frames are missing in the middle

inline constexpr unsigned kHeapAddressShift = 20;
inline constexpr unsigned kHeapNumberShift = 8;
inline constexpr uint64_t kHeapSizeMask = (uint64_t{1} << 47) - 1;
inline constexpr uint32_t kHeapMaxFrames = 4096;
inline constexpr uint32_t kHeapMaxRecordWords = kHeapMaxFrames + 6;  // with a kWide before it

// Words before the frames of a record.
struct HeapWord0 {
  HeapKind kind = HeapKind::kNone;
  uint8_t flags = 0;       // kHeap..., in place
  uint16_t added_low = 0;  // 12 bits
  uint64_t block = 0;      // without what kWide adds

  constexpr uint64_t pack() const {
    return static_cast<uint64_t>(kind) | uint64_t{flags} | uint64_t{added_low} << 8 | block >> 3 << kHeapAddressShift;
  }
  static constexpr HeapWord0 unpack(uint64_t word) {
    return {static_cast<HeapKind>(word & 15), static_cast<uint8_t>(word & 0xf0),
            static_cast<uint16_t>(word >> 8 & 0xfff), word >> kHeapAddressShift << 3};
  }
};

struct HeapWord1 {
  uint64_t size_bytes = 0;
  uint32_t kept = 0;
  bool added_bit_12 = false;
  bool inner = false;

  constexpr uint64_t pack() const {
    return (size_bytes & kHeapSizeMask) | uint64_t{kept} << 47 | uint64_t{added_bit_12} << 60 | uint64_t{inner} << 61;
  }
  static constexpr HeapWord1 unpack(uint64_t word) {
    return {word & kHeapSizeMask, static_cast<uint32_t>(word >> 47 & 0x1fff), (word >> 60 & 1) != 0,
            (word >> 61 & 1) != 0};
  }
};

// What an address has beyond the 44 bits of word 0: its lowest three bits and those from 47 on. Usually 0.
inline constexpr uint64_t heap_wide_part(uint64_t block) { return (block & 7) | block >> 47 << 3; }
inline constexpr uint64_t heap_with_wide_part(uint64_t block, uint64_t part) {
  return (block & ((uint64_t{1} << 47) - 1)) | (part & 7) | part >> 3 << 47;
}

}  // namespace flarestack
