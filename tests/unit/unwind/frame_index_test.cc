// SPDX-License-Identifier: Apache-2.0
#include "unwind/frame_index.h"

#include <cstring>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/unwind/self_modules.h"
#include "unwind/cfi.h"

namespace flarestack {
namespace {

// .eh_frame of a module that has a search table: what that begins with, up to where its own segment ends.
uint64_t eh_frame_of(const UnwindModule& module) {
  int32_t distance = 0;
  std::memcpy(&distance, reinterpret_cast<const void*>(module.eh_frame_hdr + 4), sizeof distance);
  return module.eh_frame_hdr + 4 + static_cast<uint64_t>(int64_t{distance});
}

std::vector<FrameIndexEntry> index_of(const UnwindModule& module, uint64_t eh_frame) {
  const uint64_t size_bytes = module.read_end - eh_frame;
  std::vector<FrameIndexEntry> entries(index_frames(module, eh_frame, size_bytes, nullptr, 0));
  REQUIRE(index_frames(module, eh_frame, size_bytes, entries.data(), entries.size()) == entries.size());
  return entries;
}

}  // namespace

TEST_CASE("an index of .eh_frame finds what the linker's table finds") {
  test::SelfModules modules;
  size_t compared = 0;
  for (const UnwindModule& with_table : modules.modules()) {
    if (with_table.eh_frame_hdr == 0 || eh_frame_of(with_table) < with_table.read_start) {
      continue;
    }
    const std::vector<FrameIndexEntry> entries = index_of(with_table, eh_frame_of(with_table));
    UnwindModule with_index = with_table;
    with_index.eh_frame_hdr = with_index.eh_frame_hdr_size = 0;
    with_index.index = entries.data();
    with_index.index_count = entries.size();
    const uint64_t step = (with_table.text_end - with_table.text_start) / 500 + 1;
    for (uint64_t pc = with_table.text_start; pc < with_table.text_end; pc += step) {
      FrameDescription by_table, by_index;
      const bool found = find_frame_description(with_table, pc, &by_table);
      REQUIRE(find_frame_description(with_index, pc, &by_index) == found);
      if (found) {
        ++compared;
        REQUIRE(by_index.code_start == by_table.code_start);
        REQUIRE(by_index.program == by_table.program);
      }
    }
  }
  CHECK(compared > 1000);
}

TEST_CASE("an index of bytes that are no .eh_frame is empty or harmless") {
  std::vector<uint8_t> bytes(4096);
  UnwindModule module;
  module.read_start = reinterpret_cast<uint64_t>(bytes.data());
  module.read_end = module.read_start + bytes.size();
  module.text_end = UINT64_MAX;
  uint32_t random = 1;
  for (int round = 0; round < 200; ++round) {
    for (uint8_t& byte : bytes) {
      random = random * 1664525 + 1013904223;
      byte = static_cast<uint8_t>(random >> (round % 2 == 0 ? 24 : 28) & 0x1f);
    }
    std::vector<FrameIndexEntry> entries(16);
    const uint64_t count = index_frames(module, module.read_start, bytes.size(), entries.data(), entries.size());
    for (uint64_t i = 1; i < std::min<uint64_t>(count, entries.size()); ++i) {
      CHECK(entries[i - 1].code_start <= entries[i].code_start);
    }
  }
  CHECK(index_frames(module, UINT64_MAX - 5, 10, nullptr, 0) == 0);
  CHECK(index_frames(module, module.read_start - 8, 4096, nullptr, 0) == 0);
}

}  // namespace flarestack
