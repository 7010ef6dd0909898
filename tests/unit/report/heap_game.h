// SPDX-License-Identifier: Apache-2.0
// The heap profile that the reports' golden files show: a vector that grows, temporary strings, tiny nodes, a cache
// that holds the peak, memory mapped by the program, looks at resident memory, a note.
#pragma once

#include <catch2/catch.hpp>

#include "tests/unit/model/fake_recording.h"

namespace flarestack {

inline FakeRecording heap_game_recording() {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "loader");
  const std::string insert =
      "game!void std::vector<Vertex, std::allocator<Vertex> >::_M_realloc_insert<Vertex const&>(Vertex const&)";
  fake.sample(1, {"libc.so.6!_start", "game!main", "game!frame"}, 20);
  // Freed at once, by the next growth, in every size from 16 bytes to 1 KiB; the last one lives a frame long.
  for (uint64_t size = 16; size <= 1024; size *= 2) {
    AllocationRecord grown = FakeRecording::blocks(size, 4000, 4000);
    if (size == 1024) grown.lifetimes = {0, 4000};
    fake.allocation(1, {"libc.so.6!_start", "game!main", "game!build_mesh@42", insert}, grown);
  }
  AllocationRecord label = FakeRecording::blocks(40, 50'000, 50'000);
  label.temporary = 49'990;
  fake.allocation(1, {"libc.so.6!_start", "game!main", "game!frame", "game!draw_label@77"}, label);
  AllocationRecord node = FakeRecording::blocks(24, 120'000, 20'000);
  node.peak_blocks = 90'000;
  node.peak_bytes = 90'000 * 24;
  fake.allocation(1, {"libc.so.6!_start", "game!main", "game!update >> Tree::insert"}, node);
  AllocationRecord level = FakeRecording::blocks(1 << 20, 8, 7, {20'000'000, 30'000'000});
  level.lifetimes = {0, 0, 7};
  level.peak_blocks = 6;
  level.peak_bytes = 6 << 20;
  fake.allocation(2, {"libc.so.6!clone", "game!load_level@9"}, level);
  AllocationRecord mapped = FakeRecording::blocks(64 << 20, 2, 1);
  mapped.kind = MemoryKind::kMapped;
  fake.allocation(2, {"libc.so.6!clone", "game!load_level", "game!map_file"}, mapped);
  fake.builder.add(HeapSliceRecord{{1}, 0, 20'000'000, 2'000'000, 80'000, 19'000'000, 1'900'000, 79'000});
  fake.builder.add(HeapSliceRecord{{1}, 20'000'000, 30'000'000, 8'691'456, 100'006, 44'000'000, 3'448'576, 100'001});
  MemoryRecord look;
  look.process = {1};
  look.time_ns = 45'000'000;
  look.rss_bytes = 120 << 20;
  look.pss_bytes = 110 << 20;
  look.allocator_bytes = 40 << 20;
  look.heap_live_bytes = 8'600'000;
  look.mapped_bytes = 64 << 20;
  look.file_bytes = 6 << 20;
  look.stack_bytes = 200 << 10;
  look.own_bytes = 8 << 20;
  look.minor_faults = 30'000;
  look.major_faults = 12;
  fake.builder.add(look);
  fake.builder.add(CounterRecord{{1}, "heap_events", 400'000});
  fake.builder.add(CounterRecord{{1}, "foreign_frees", 3});
  fake.builder.add(NoteRecord{{1}, "mallocx of libjemalloc.so.2 could not be hooked: its entry is 3 bytes long"});
  fake.end_process(1, ExitKind::kExited, 0, 20'000'000);
  return fake;
}

inline Profile heap_game_profile(Metric metric, ProfileOptions options = {}) {
  FakeRecording fake = heap_game_recording();
  options.metric = metric;
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

}  // namespace flarestack
