// SPDX-License-Identifier: Apache-2.0
#include "model/benchmark.h"

#include <catch2/catch.hpp>

#include "fake_recording.h"

namespace flarestack {
namespace {

BenchmarkedCommand command(const std::vector<int64_t>& wall_ms) {
  BenchmarkedCommand made;
  for (const int64_t each : wall_ms) made.runs.push_back({each * 1'000'000, 0, 0, 1 << 20, 0});
  return made;
}

TEST_CASE("commands are compared with the fastest, nearest first, and noise is no difference") {
  Benchmark benchmark;
  benchmark.commands = {command({300, 310, 305, 299, 301, 302}), command({100, 104, 101, 103, 102, 99}), command({}),
                        command({101, 103, 99, 104, 100, 105})};
  CHECK(fastest_command(benchmark) == 1);
  const std::vector<ComparedCommand> compared = compared_commands(benchmark);
  REQUIRE(compared.size() == 2);
  CHECK(compared[0].command == 3);
  CHECK_FALSE(compared[0].differs());
  CHECK(compared[1].command == 0);
  CHECK(compared[1].differs());
  CHECK(compared[1].slowdown.ratio == Approx(3).epsilon(0.02));
  CHECK_FALSE(fastest_command(Benchmark()));
}

Profile profile_of(FakeRecording& recording) {
  Result<Profile> profile = build_profile(recording.finish(), ProfileOptions(), recording.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

// A program of this name that spends so many samples of a millisecond in each function.
Profile spent(const std::string& program, const std::vector<std::pair<std::string, uint64_t>>& milliseconds) {
  FakeRecording recording;
  recording.process(1, 100, "/usr/lib/" + program);
  recording.thread(1, 1, 100, program);
  for (const auto& [function, time_ms] : milliseconds) {
    if (time_ms != 0) recording.sample(1, {program + "!main", program + "!" + function}, time_ms);
  }
  return profile_of(recording);
}

TEST_CASE("the function that makes the difference is found, in a program of another name as well") {
  const Profile base = spent("old", {{"parse", 300}, {"draw", 200}, {"gone", 80}});
  const Profile changed = spent("new", {{"parse", 310}, {"draw", 600}, {"added", 90}});
  const FunctionChanges changes = function_changes(base, changed);
  CHECK(changes.base_samples == 580);
  CHECK(changes.samples == 1000);
  REQUIRE(changes.functions.size() == 3);  // ten samples more of 300 are noise
  CHECK(changes.functions[0].name == "draw");
  CHECK(changes.functions[0].module == "new");
  CHECK(changes.functions[0].self_change() == 400'000'000);
  CHECK(changes.functions[1].name == "added");
  CHECK(changes.functions[1].base_self == 0);
  CHECK(changes.functions[2].name == "gone");
  CHECK(changes.functions[2].self_change() == -80'000'000);
}

}  // namespace
}  // namespace flarestack
