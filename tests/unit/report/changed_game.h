// SPDX-License-Identifier: Apache-2.0
// Two versions of a game, for the reports of what changed: one function slower, one faster, one gone and one new, some
// that differ by chance; more allocated in one place, a leak's worth of it live, in a library of another version.
#pragma once

#include <catch2/catch.hpp>

#include "report/diff_report.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {

enum class GameVersion : uint8_t { kOld, kNew };

inline FakeRecording changed_game_recording(GameVersion version) {
  const bool is_new = version == GameVersion::kNew;
  const std::string library = is_new ? "libmesh.so.1.3!" : "libmesh.so.1.2!";
  FakeRecording fake;
  fake.session.command = {is_new ? "./game-2" : "./game-1", "--level", "the 1st"};
  fake.heap();
  const std::string game = is_new ? "game-2" : "game-1";
  fake.process(1, 100, "/usr/bin/" + game);
  fake.thread(1, 1, 100, "game");
  const auto stack = [&](std::vector<std::string> names) {
    for (std::string& each : names) {
      if (each.find('!') == std::string::npos && each[0] != '[') each.insert(0, game + "!");
    }
    names.insert(names.begin(), "libc.so.6!_start");
    return names;
  };
  const std::string shift = is_new ? "@52" : "@40";
  fake.sample(1, stack({"main", "frame", "update"}), is_new ? 410 : 200);
  fake.sample(1, stack({"main", "frame", "draw"}), is_new ? 120 : 310);
  fake.sample(1, stack({"main", "frame", "sort_scene"}), is_new ? 206 : 190);
  fake.sample(1, stack({"main", "frame", "[kernel]"}), is_new ? 30 : 25);
  fake.sample(1, stack({"main", library + "simplify"}), 95);
  if (is_new) fake.sample(1, stack({"main", "frame", "void ui::Layout<std::vector<int> >::measure(int)"}), 60);
  if (!is_new) fake.sample(1, stack({"main", "load_settings"}), 45);
  fake.allocation(1, stack({"main", library + "build_mesh" + shift}),
                  FakeRecording::blocks(1024, is_new ? 9000 : 3000, 1000));
  AllocationRecord label = FakeRecording::blocks(40, 5000, 5000);
  label.temporary = is_new ? 1000 : 4900;
  fake.allocation(1, stack({"main", "frame", "draw_label@77"}), label);
  if (is_new) fake.allocation(1, stack({"main", "frame", "cache_glyph@12"}), FakeRecording::blocks(64 << 10, 20, 0));
  fake.end_process(1, ExitKind::kExited, 0, 1'000'000'000);
  return fake;
}

inline Profile changed_game_profile(GameVersion version, Metric metric) {
  FakeRecording fake = changed_game_recording(version);
  ProfileOptions options;
  options.metric = metric;
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

inline DiffReport changed_game_report(GameVersion base, GameVersion newer) {
  DiffReport report;
  report.base = {{"before.flare"}, "./game-1 --level 'the 1st'"};
  report.newer = {{"after.flare"}, "./game-2 --level 'the 1st'"};
  for (const Metric metric : {Metric::kCpu, Metric::kAllocated, Metric::kLive, Metric::kTemporary}) {
    const Profile old_profile = changed_game_profile(base, metric);
    const Profile new_profile = changed_game_profile(newer, metric);
    const Profile* bases[] = {&old_profile};
    const Profile* newers[] = {&new_profile};
    report.metrics.push_back(diff_profiles(bases, newers, {}));
  }
  return report;
}

}  // namespace flarestack
