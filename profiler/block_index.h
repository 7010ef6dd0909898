// SPDX-License-Identifier: Apache-2.0
// BlockIndex: finds the live block that an address is in. Of every granule of the heap's extents it knows the first
// block behind; granules have 256 bytes, or more where blocks are large and few. Recorder side.
#pragma once

#include <cstdint>
#include <vector>

#include "profiler/leak_scan.h"

namespace flarestack {

// The first block from `from` on that begins at `address` or behind it.
uint32_t first_block_from(const ScannedBlocks& blocks, uint64_t address, uint32_t from = 0);

class BlockIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Borrows the blocks, which are ascending and disjoint.
  BlockIndex(const ScannedBlocks& blocks, unsigned threads);

  // Whether it is worth asking for a block: most words are not.
  bool may_be_inside(uint64_t address) const { return address - low_ < high_ - low_; }
  // In steps, so that many can be under way and none waits for memory. The place in the table, kNone: none.
  uint32_t granule_of(uint64_t address) const {
    const Extent* extent = extent_of(address);
    return extent != nullptr ? extent->first_granule + static_cast<uint32_t>((address - extent->start) >> extent->shift)
                             : kNone;
  }
  void prefetch_granule(uint32_t granule) const { __builtin_prefetch(&first_behind_[granule]); }
  // The last block that begins in the granule or before it.
  uint32_t last_block_of(uint32_t granule) const { return first_behind_[granule] - 1; }
  uint32_t block_at(uint64_t address, uint32_t last_block) const;

  uint32_t find(uint64_t address) const {
    const uint32_t granule = may_be_inside(address) ? granule_of(address) : kNone;
    return granule != kNone ? block_at(address, last_block_of(granule)) : kNone;
  }

 private:
  struct Extent {
    uint64_t start = 0;
    uint64_t end = 0;
    unsigned shift = 8;
    uint32_t first_granule = 0;
    uint32_t end_granule = 0;
    uint32_t end_block = 0;
  };
  const Extent* extent_of(uint64_t address) const;
  void add_extent(uint32_t first_block, uint32_t end_block);
  void fill(uint32_t first_granule, uint32_t end_granule);

  const ScannedBlocks& blocks_;
  std::vector<Extent> extents_;
  HugeVector<uint32_t> first_behind_;  // of each granule: the first block that begins behind it
  uint64_t low_ = 0;
  uint64_t high_ = 0;
};

}  // namespace flarestack
