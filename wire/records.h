// SPDX-License-Identifier: Apache-2.0
// Records as they lie in rings: 8-byte words, the first one a header. docs/wire-protocol.md has the box diagrams.
//
//  header word   63            32 31      16 15     8 7      0
//               +----------------+----------+--------+--------+
//               | module         | words in | flags  | kind   |
//               | generation     | record   |        |        |
//               +----------------+----------+--------+--------+
//
//  kSample:     header | monotonic ns | missed ticks (32), kept (32) | region (32), elided (32)
//               | new frames, root first ...
//  kKernelTicks: header | monotonic ns | region (32), missed ticks (32)
//
//  Module log:
//  kModuleAdded:   header | text start | text end | load bias | id | build id (4 words, zero padded; its length in
//  flags)
//                  | path, zero-terminated and padded
//  kModuleRemoved: header | id
//
// A stack is told as "keep the root-most `kept` frames of this ring's previous stack, then these new ones", so a thread
// that stays in one place sends a handful of words.
#pragma once

#include <cstdint>

namespace flarestack {

enum class RecordKind : uint8_t { kNone = 0, kSample = 1, kKernelTicks = 2, kModuleAdded = 3, kModuleRemoved = 4 };

inline constexpr uint8_t kSampleHeuristic = 1;  // flag: a frame pointer was trusted where no CFI was
inline constexpr uint8_t kSampleTruncated = 2;  // flag: the root side is missing, the walk ended early

inline constexpr uint32_t kSampleHeaderWords = 4;
inline constexpr uint32_t kKernelTicksWords = 3;
inline constexpr uint32_t kModuleAddedWords = 9;  // before the path
inline constexpr uint32_t kModuleRemovedWords = 2;
inline constexpr uint32_t kMaxModulePathBytes = 1024;
inline constexpr uint32_t kMaxBuildIdBytes = 32;
inline constexpr uint32_t kMaxRecordWords = 4096 + kSampleHeaderWords;
static_assert(kMaxRecordWords <= 0xffff);

struct RecordHeader {
  RecordKind kind = RecordKind::kNone;
  uint8_t flags = 0;
  uint16_t words = 0;       // of the whole record
  uint32_t generation = 0;  // of the module list that its program counters belong to

  constexpr uint64_t pack() const {
    return static_cast<uint64_t>(kind) | uint64_t{flags} << 8 | uint64_t{words} << 16 | uint64_t{generation} << 32;
  }
  static constexpr RecordHeader unpack(uint64_t word) {
    return {static_cast<RecordKind>(word & 0xff), static_cast<uint8_t>(word >> 8), static_cast<uint16_t>(word >> 16),
            static_cast<uint32_t>(word >> 32)};
  }
};

}  // namespace flarestack
