// SPDX-License-Identifier: Apache-2.0
// The part of HeapRings that gives out its blocks: to a fork's child, and to a look for leaks.
#include <algorithm>

#include "profiler/heap_rings.h"

namespace flarestack {

namespace {

constexpr size_t kMaxForkPoints = 64;  // forks whose child has not said Hello

}  // namespace

std::shared_ptr<ForkPoint> HeapRings::fork_point(uint32_t fork_number) {
  // Whoever asks second, child or ring, takes it out.
  if (const auto found = fork_points_.find(fork_number); found != fork_points_.end()) {
    std::shared_ptr<ForkPoint> point = std::move(found->second);
    fork_points_.erase(found);
    return point;
  }
  if (fork_points_.size() >= kMaxForkPoints) {
    fork_points_.erase(fork_points_.begin());
  }
  return fork_points_.emplace(fork_number, std::make_shared<ForkPoint>()).first->second;
}

ScannedBlocks HeapRings::live_blocks(unsigned threads) {
  tracker_.settle();
  ScannedBlocks blocks = tracker_.blocks().sorted(threads);
  const size_t count = blocks.size();
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot != nullptr && slot->held_block != 0 && slot->held.found) {
      const HeapBlock& block = slot->held.block;
      blocks.push_back({slot->held_block, block.size_bytes, block.site, block.birth});
    }
  }
  if (blocks.size() != count) {
    std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  }
  return blocks;
}

}  // namespace flarestack
