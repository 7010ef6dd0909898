// SPDX-License-Identifier: Apache-2.0
#include "profiler/block_index.h"

#include <algorithm>
#include <atomic>

#include "profiler/run_on_threads.h"

namespace flarestack {
namespace {

constexpr uint64_t kGapBytes = 1 << 20;    // between extents
constexpr uint64_t kGranulesPerBlock = 4;  // at most, where granules are larger

uint64_t end_of(const ScannedBlock& block) { return block.address + std::max<uint64_t>(block.size_bytes, 1); }

}  // namespace

uint32_t first_block_from(const ScannedBlocks& blocks, uint64_t address, uint32_t from) {
  const auto found = std::lower_bound(blocks.begin() + from, blocks.end(), address,
                                      [](const ScannedBlock& block, uint64_t at) { return block.address < at; });
  return static_cast<uint32_t>(found - blocks.begin());
}

BlockIndex::BlockIndex(const ScannedBlocks& blocks, unsigned threads) : blocks_(blocks) {
  if (blocks.empty()) {
    return;
  }
  low_ = blocks.front().address;
  high_ = end_of(blocks.back());
  uint32_t first = 0;
  for (uint32_t i = 0; i < blocks.size();) {  // a gap is where an address divisible by its size is
    i = first_block_from(blocks, (blocks[i].address / kGapBytes + 1) * kGapBytes, i);
    if (i == blocks.size() || blocks[i].address - end_of(blocks[i - 1]) > kGapBytes) {
      add_extent(first, i);
      first = i;
    }
  }
  constexpr uint32_t kAtATime = 1 << 16;
  const uint32_t granules = extents_.back().end_granule;
  first_behind_.resize(granules);
  std::atomic<uint32_t> next{0};
  run_on_threads(threads, [&] {
    for (uint32_t at = next.fetch_add(kAtATime); at < granules; at = next.fetch_add(kAtATime)) {
      fill(at, std::min(at + kAtATime, granules));
    }
  });
}

void BlockIndex::add_extent(uint32_t first_block, uint32_t end_block) {
  Extent extent;
  extent.start = blocks_[first_block].address;
  extent.end = end_of(blocks_[end_block - 1]);
  extent.end_block = end_block;
  const uint64_t count = end_block - first_block;
  while ((extent.end - extent.start) >> extent.shift > (count + 64) * kGranulesPerBlock) {
    ++extent.shift;
  }
  extent.first_granule = extents_.empty() ? 0 : extents_.back().end_granule;
  extent.end_granule =
      extent.first_granule + static_cast<uint32_t>((extent.end - 1 - extent.start) >> extent.shift) + 1;
  extents_.push_back(extent);
}

void BlockIndex::fill(uint32_t first_granule, uint32_t end_granule) {
  auto extent = std::upper_bound(extents_.begin(), extents_.end(), first_granule,
                                 [](uint32_t granule, const Extent& one) { return granule < one.end_granule; });
  for (uint32_t granule = first_granule; granule < end_granule; ++extent) {
    const auto start_of = [&](uint32_t one) {
      return extent->start + (uint64_t{one - extent->first_granule} << extent->shift);
    };
    uint32_t block = first_block_from(blocks_, start_of(granule));
    for (; granule < std::min(end_granule, extent->end_granule); ++granule) {
      while (block < extent->end_block && blocks_[block].address < start_of(granule + 1)) {
        ++block;
      }
      first_behind_[granule] = block;
    }
  }
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
