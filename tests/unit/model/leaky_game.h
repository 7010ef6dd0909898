// SPDX-License-Identifier: Apache-2.0
// A recording with leaks of every kind, for the tests of model/ and report/: a list whose head is lost, the same by
// another thread, a possibly lost buffer, a cache that a variable holds, what runtimes keep, a forked child that holds
// what its parent allocated, one that was killed, and blocks held from everywhere.
#pragma once

#include <catch2/catch.hpp>

#include "model/leaks.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {

class LeakyGame : public FakeRecording {
 public:
  using Names = std::vector<std::string>;

  // Of so many blocks with so many bytes together; the caller changes what is different and adds it.
  LeakRecord leak(LeakVerdict verdict, const Names& names, uint64_t blocks, uint64_t bytes, uint32_t process = 1,
                  uint32_t thread = 1) {
    LeakRecord record;
    record.process = {process};
    record.check = 2;
    record.verdict = verdict;
    record.thread = {thread};
    record.stack = stack(names);
    record.blocks = blocks;
    record.bytes = bytes;
    record.smallest_bytes = record.largest_bytes = blocks == 0 ? 0 : bytes / blocks;
    record.first_ns = 10'000'000;
    record.last_ns = blocks == 1 ? record.first_ns : 30'000'000;
    return record;
  }
  LeakRecord held_by_block(LeakRecord record, const Names& names) {
    record.holder = LeakHolder::kBlock;
    record.holder_stack = stack(names);
    return record;
  }
};

inline const LeakyGame::Names kList = {"libc.so.6!_start", "game!main@30", "game!load_level@9", "game!push_node@5"};
inline const LeakyGame::Names kName = {"libc.so.6!_start", "game!main@30", "game!load_level@12",
                                       "game!std::string::_M_create(unsigned long&, unsigned long)"};
inline const LeakyGame::Names kThreadList = {"libc.so.6!clone3", "game!worker@70", "game!load_level@9",
                                             "game!push_node@5"};
inline const LeakyGame::Names kCache = {"libc.so.6!_start", "game!main@31", "game!init_cache@3"};
inline const LeakyGame::Names kStdio = {"libc.so.6!_start", "game!main@32", "libc.so.6!puts",
                                        "libc.so.6!_IO_file_doallocate"};
inline const LeakyGame::Names kPool = {"libc.so.6!_start", "game!main@33", "game!Pool::grow >> carve"};

inline LeakyGame leaky_game() {
  using V = LeakVerdict;
  LeakyGame game;
  game.heap();
  game.process(1, 100, "/usr/bin/game");
  game.process(2, 101, "/usr/bin/game", 1, 50'000'000);
  game.process(3, 102, "/usr/bin/helper", 1);
  game.thread(1, 1, 100, "game");
  game.thread(2, 1, 105, "worker-1");
  game.thread(3, 2, 101, "game");
  game.thread(4, 3, 102, "helper");
  game.sample(1, {"libc.so.6!_start", "game!main@30"}, 20);
  game.allocation(1, kList, FakeRecording::blocks(24, 20, 7));
  game.allocation(1, kCache, FakeRecording::blocks(1 << 20, 2, 0));
  game.allocation(4, {"libc.so.6!_start", "helper!main@8"}, FakeRecording::blocks(4096, 3, 1));
  game.allocation(4, {"libc.so.6!_start", "helper!main@9"}, FakeRecording::blocks(100, 1, 0));
  for (const uint32_t process : {1U, 2U, 3U})
    game.builder.add(HeapSliceRecord{{process}, 0, 100'000'000, 9, 9, 9, 9, 9});

  LeakCheckRecord check{{1}, 1, LeakCheckCause::kOnDemand, 20'000'000, 900'000, 40, 9999, 4096, ""};
  game.builder.add(check);
  LeakRecord old = game.leak(V::kDefinitelyLost, kCache, 7, 7777);  // what it said then does not count
  old.check = 1;
  game.builder.add(old);
  check = {{1}, 2, LeakCheckCause::kExit, 90'000'000, 1'500'000, 60, 2'300'000, 1 << 20, ""};
  game.builder.add(check);
  LeakRecord list = game.leak(V::kDefinitelyLost, kList, 2, 72);
  list.smallest_bytes = 24;
  list.largest_bytes = 48;
  game.builder.add(list);
  LeakRecord other_thread = game.leak(V::kDefinitelyLost, kThreadList, 1, 24, 1, 2);
  game.builder.add(other_thread);
  game.builder.add(game.held_by_block(game.leak(V::kIndirectlyLost, kList, 12, 288), kList));
  game.builder.add(game.held_by_block(game.leak(V::kIndirectlyLost, kName, 3, 3000), kList));
  game.builder.add(game.leak(V::kPossiblyLost, kPool, 1, 4096));
  LeakRecord cache = game.leak(V::kStillReachable, kCache, 2, 2 << 20);
  cache.holder = LeakHolder::kModuleData;
  cache.holder_module = game.module("game");
  cache.holder_offset = {0x4018};
  game.builder.add(cache);
  game.builder.add(game.held_by_block(game.leak(V::kStillReachable, kPool, 8, 512), kCache));
  LeakRecord on_stack = game.leak(V::kStillReachable, kPool, 1, 128);
  on_stack.holder = LeakHolder::kStack;
  on_stack.holder_thread = {2};
  game.builder.add(on_stack);
  game.builder.add(game.leak(V::kStillReachable, kStdio, 1, 1024));

  game.builder.add(LeakCheckRecord{
      {2}, 2, LeakCheckCause::kExit, 95'000'000, 300'000, 20, 5000, 1 << 20, "it was killed while it was looked at"});
  LeakRecord from_parent = game.leak(V::kDefinitelyLost, kList, 14, 360, 2, 1);
  from_parent.inherited = true;
  game.builder.add(from_parent);
  game.builder.add(game.leak(V::kDefinitelyLost, kList, 1, 24, 2, 3));
  game.end_process(1, ExitKind::kExited, 0, 20'000'000);
  game.end_process(2, ExitKind::kSignaled, 9, 1'000'000);
  game.end_process(3, ExitKind::kSignaled, 9, 1'000'000);
  return game;
}

// As ELF files would answer: a variable `level_cache` at 0x4010, and functions with mangled names.
inline RawSymbolSource leaky_symbols() {
  return [](const SymbolModule& module, std::span<const uint64_t> offsets, SymbolSort sort) {
    std::vector<RawSymbol> found(offsets.size());
    for (size_t i = 0; i < offsets.size() && module.path.ends_with("game"); ++i) {
      if (sort == SymbolSort::kVariable) {
        if (offsets[i] >= 0x4010 && offsets[i] < 0x4050) found[i] = {"_ZN5World11level_cacheE", 0x4010, 0x40};
      } else {
        const std::string name = "f" + std::to_string(offsets[i]);
        found[i] = {"_Z" + std::to_string(name.size()) + name + "i", offsets[i], 0};
      }
    }
    return found;
  };
}

inline Profile leaky_profile(ProfileOptions options = {}, Metric metric = Metric::kLive) {
  LeakyGame game = leaky_game();
  options.metric = metric;
  auto profile = build_profile(game.finish(), options, game.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

inline Suppressions builtin_suppressions() {
  Suppressions suppressions;
  REQUIRE(suppressions.add(kBuiltinSuppressions, kBuiltinSuppressionsName).ok());
  return suppressions;
}

inline Leaks leaks_of(const Profile& profile, const Suppressions* suppressions, bool mangled = false) {
  LeakOptions options;
  options.suppressions = suppressions;
  options.raw_symbols = leaky_symbols();
  options.mangled_names = mangled;
  return find_leaks(profile, options);
}

}  // namespace flarestack
