// SPDX-License-Identifier: Apache-2.0
#include "profiler/heap_blocks.h"

#include <map>
#include <random>

#include <catch2/catch.hpp>

namespace flarestack {

TEST_CASE("blocks are given out in the order of their addresses") {
  const uint64_t alignment = GENERATE(1, 8, 16);
  CAPTURE(alignment);
  std::mt19937 random(static_cast<unsigned>(alignment));
  const auto draw = [&](uint64_t below) { return std::uniform_int_distribution<uint64_t>(0, below - 1)(random); };
  HeapBlocks blocks;
  std::map<uint64_t, HeapBlock> expected;
  constexpr uint64_t kHeap = 0x7f0000000000;
  for (uint32_t i = 0; i < 20'000; ++i) {  // some regions full, some with a few
    const uint64_t near = kHeap + draw(draw(2) == 0 ? 1 << 15 : 1 << 24) / alignment * alignment;
    const HeapBlock block{i, i + 1, draw(20) == 0 ? 4096 + draw(100'000) : draw(5)};
    const bool is_new = expected.try_emplace(near, block).second;
    REQUIRE(blocks.put(near, block) == is_new);
  }
  const ScannedBlocks sorted = blocks.sorted(1 + static_cast<unsigned>(draw(3)));
  REQUIRE(sorted.size() == expected.size());
  auto at = expected.begin();
  for (const ScannedBlock& block : sorted) {
    const HeapBlock& one = at->second;
    const bool is_equal = block.address == at->first && block.size_bytes == one.size_bytes && block.site == one.site &&
                          block.birth == one.birth;
    REQUIRE(is_equal);
    ++at;
  }
}

}  // namespace flarestack
