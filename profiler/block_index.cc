// SPDX-License-Identifier: Apache-2.0
#include "profiler/block_index.h"

#include <algorithm>

namespace flarestack {
namespace {

constexpr uint64_t kGapBytes = 1 << 20;    // between extents
constexpr uint64_t kGranulesPerBlock = 4;  // at most, where granules are larger

uint64_t end_of(const ScannedBlock& block) { return block.address + std::max<uint64_t>(block.size_bytes, 1); }

}  // namespace

BlockIndex::BlockIndex(const std::vector<ScannedBlock>& blocks) : blocks_(blocks) {
  if (blocks.empty()) {
    return;
  }
  low_ = blocks.front().address;
  high_ = end_of(blocks.back());
  uint32_t first = 0;
  for (uint32_t i = 1; i <= blocks.size(); ++i) {
    if (i == blocks.size() || blocks[i].address - end_of(blocks[i - 1]) > kGapBytes) {
      add_extent(first, i);
      first = i;
    }
  }
}

void BlockIndex::add_extent(uint32_t first_block, uint32_t end_block) {
  Extent extent;
  extent.start = blocks_[first_block].address;
  extent.end = end_of(blocks_[end_block - 1]);
  extent.first_granule = static_cast<uint32_t>(first_behind_.size());
  const uint64_t count = end_block - first_block;
  while ((extent.end - extent.start) >> extent.shift > (count + 64) * kGranulesPerBlock) {
    ++extent.shift;
  }
  const auto granules = static_cast<uint32_t>(((extent.end - 1 - extent.start) >> extent.shift) + 1);
  first_behind_.reserve(first_behind_.size() + granules);
  uint32_t block = first_block;
  for (uint32_t granule = 0; granule < granules; ++granule) {
    const uint64_t granule_end = extent.start + ((uint64_t{granule} + 1) << extent.shift);
    while (block < end_block && blocks_[block].address < granule_end) {
      ++block;
    }
    first_behind_.push_back(block);
  }
  extents_.push_back(extent);
}

const BlockIndex::Extent* BlockIndex::extent_of(uint64_t address) const {
  auto behind = std::upper_bound(extents_.begin(), extents_.end(), address,
                                 [](uint64_t one, const Extent& extent) { return one < extent.start; });
  if (behind == extents_.begin()) {
    return nullptr;
  }
  --behind;
  return address < behind->end ? &*behind : nullptr;
}

uint32_t BlockIndex::block_at(uint64_t address, uint32_t last_block) const {
  while (blocks_[last_block].address > address) {
    if (last_block == 0) {
      return kNone;
    }
    --last_block;
  }
  return address < end_of(blocks_[last_block]) ? last_block : kNone;
}

}  // namespace flarestack
