// SPDX-License-Identifier: Apache-2.0
// A game with something to find in everything: its own code, library code of several kinds, waiting, allocations, the
// peak, leaks.
#pragma once

#include "tests/unit/model/fake_recording.h"

namespace flarestack {

inline FakeRecording busy_game_recording() {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "saver");
  const std::vector<std::string> frame = {"libc.so.6!_start", "game!main", "game!frame"};
  const auto below = [&](std::vector<std::string> names) {
    names.insert(names.begin(), frame.begin(), frame.end());
    return names;
  };
  fake.sample(1, below({"game!trace_rays@50"}), 16);
  fake.sample(1, below({"game!trace_rays@51"}), 4);
  fake.sample(1, below({"game!trace_rays@50", "libc.so.6!memcpy"}), 4);
  fake.sample(1, below({"game!draw_label", "libstdc++.so.6!operator new(unsigned long)", "libc.so.6!malloc"}), 6);
  fake.sample(1, below({"game!draw_label", "libc.so.6!free"}), 4);
  fake.sample(1, below({"game!load_level", "libc.so.6!malloc", "libc.so.6!memset"}), 2);
  // Formatting that allocates is formatting.
  fake.sample(1, below({"game!draw_label", "libc.so.6!snprintf", "libc.so.6!malloc"}), 3);
  fake.sample(1, below({"game!find_node", "game!std::map<int, Node>::find(int const&)"}), 4);
  fake.sample(1, below({"game!poll_input", "libc.so.6!read", "[kernel]"}), 3);
  fake.sample(1, below({"game!blur", "[kernel]"}), 3);
  fake.sample(1, below({"game!blur", "[flarestack]"}), 5);
  fake.sample(1, {"[startup]"}, 1);
  fake.wait(1, below({"game!save", "libc.so.6!pthread_mutex_lock", "libc.so.6!__lll_lock_wait"}), 20);
  fake.wait(1, {"[waiting for a CPU]"}, 5);
  fake.wait(2, {"libc.so.6!clone", "game!saver", "libc.so.6!fsync"}, 30);
  fake.wait(2, {"libc.so.6!clone", "game!saver", "libc.so.6!pthread_cond_wait"}, 65);
  AllocationRecord label = FakeRecording::blocks(40, 50'000, 50'000);
  label.temporary = 49'990;
  fake.allocation(1, below({"game!draw_label", "libc.so.6!malloc"}), label);
  AllocationRecord level = FakeRecording::blocks(8 << 20, 8, 7);
  level.peak_blocks = 6;
  level.peak_bytes = 48 << 20;
  fake.allocation(1, below({"game!load_level", "libc.so.6!malloc"}), level);
  fake.builder.add(HeapSliceRecord{{1}, 0, 100'000'000, 48 << 20, 6, 50'000'000, 8 << 20, 1});
  fake.end_process(1, ExitKind::kExited, 0, 55'000'000);
  return fake;
}

struct BusyGame {
  Profile time;
  Profile heap;
};
inline BusyGame busy_game(Metric clock = Metric::kWall) {
  const auto build = [](Metric metric) {
    FakeRecording fake = busy_game_recording();
    ProfileOptions options;
    options.metric = metric;
    auto profile = build_profile(fake.finish(), options, fake.symbols());
    REQUIRE(profile.ok());
    return std::move(*profile);
  };
  return {build(clock), build(Metric::kAllocated)};
}

}  // namespace flarestack
