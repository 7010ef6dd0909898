// SPDX-License-Identifier: Apache-2.0
// Regions: parts of a run that the program names itself (flarestack.h). Their names lie in the region table, in the
// session region behind the rings; when each begins and ends, in its thread's heap ring, so that they are in order with
// that thread's allocations.
//
// A node of the table is a name within another node: a region in the region that it is nested in, a number that is
// told of a region, a counter or a pool of the process. Node 0 is "none". Nodes are found by a hash table of their
// numbers, and never change once they are in it, so any thread adds one without a lock and the recorder reads them at
// any time.
//
//  kRegion record of a heap ring: two words
//  word 0        63    56 55        40 39          16 15      8 7     4 3    0
//               +--------+------------+--------------+---------+-------+------+
//               | 0      | depth      | node         | deed    | 0     | 15   |
//               +--------+------------+--------------+---------+-------+------+
//  word 1        ticks of OrderSource::kTimeStampCounter, else CLOCK_MONOTONIC; of kValue the number; of kPool 0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace flarestack {

enum class RegionDeed : uint8_t {
  kNone = 0,
  kBegin = 1,  // depth: of the region that begins, from 1
  kEnd = 2,    // depth: of the region that ends; those open above it end with it
  kValue = 3,  // of the tag or counter `node`
  kPool = 4,   // the next event of this ring is of that pool, not of the heap
};

struct RegionWord {
  RegionDeed deed = RegionDeed::kNone;
  uint32_t node = 0;  // 24 bits
  uint16_t depth = 0;

  // Without the kind of the record.
  constexpr uint64_t pack() const {
    return uint64_t{static_cast<uint8_t>(deed)} << 8 | uint64_t{node & 0xffffff} << 16 | uint64_t{depth} << 40;
  }
  static constexpr RegionWord unpack(uint64_t word) {
    return {static_cast<RegionDeed>(word >> 8 & 0xff), static_cast<uint32_t>(word >> 16 & 0xffffff),
            static_cast<uint16_t>(word >> 40 & 0xffff)};
  }
};
inline constexpr uint32_t kRegionWords = 2;

enum class RegionNodeKind : uint8_t { kRegion = 0, kTag = 1, kCounter = 2, kPool = 3 };

inline constexpr uint32_t kMaxRegionNodes = 8192;
inline constexpr uint32_t kRegionBuckets = 2 * kMaxRegionNodes;  // a power of two
inline constexpr size_t kRegionNameBytes = size_t{512} * 1024;   // of all names
inline constexpr uint32_t kMaxRegionName = 255;                  // longer ones are cut
inline constexpr uint32_t kMaxRegionDepth = 64;                  // open at once in a thread

struct RegionNode {
  uint32_t parent;
  uint32_t name_offset;
  uint32_t hash;
  RegionNodeKind kind;
  uint8_t name_bytes;
  uint16_t reserved;
};
static_assert(sizeof(RegionNode) == 16);

struct RegionTable {
  std::atomic<uint32_t> nodes;       // given out, from 1
  std::atomic<uint32_t> name_bytes;  // the same
  std::atomic<uint32_t> buckets[kRegionBuckets];
  RegionNode node[kMaxRegionNodes];
  char names[kRegionNameBytes];
};

}  // namespace flarestack
