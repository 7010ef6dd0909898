// SPDX-License-Identifier: Apache-2.0
#include "model/heap_growth.h"

#include <catch2/catch.hpp>

#include "tests/unit/model/growing_server.h"

namespace flarestack {
namespace {

Profile server_profile(ProfileOptions options = {}) {
  FakeRecording server = growing_server();
  options.metric = Metric::kLive;
  auto profile = build_profile(server.finish(), options, server.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

std::string leaf(const Profile& profile, const GrowingPath& path) {
  return profile.functions[profile.locations[path.path.at(0)].function].name;
}

TEST_CASE("paths that grow to the end, and caches, are found with rate, age and time left") {
  const Profile profile = server_profile();
  const HeapGrowth growth = find_growth(profile, uint64_t{24} << 20 | 102'400);
  REQUIRE(growth.growing.size() == 1);
  const GrowingPath& session = growth.growing[0];
  CHECK(leaf(profile, session) == "new_session");
  CHECK(session.fit.bytes_per_second == Approx(10'240));
  CHECK(session.live_bytes == 614'400);
  CHECK(session.live_blocks == 600);
  CHECK(session.oldest_age_ns == 59'500'000'000);
  REQUIRE(growth.levelled.size() == 1);
  CHECK(leaf(profile, growth.levelled[0]) == "lookup");
  CHECK(growth.levelled[0].live_bytes == 1'000'000);
  CHECK(growth.levelled[0].oldest_age_ns == -1);
  REQUIRE(growth.processes.size() == 1);
  CHECK(growth.processes[0].resident_bytes == 24 << 20);
  CHECK(growth.processes[0].seconds_left == Approx(10));
}

TEST_CASE("how long memory lasts is not known without its size, and nothing is left of what is used up") {
  const Profile profile = server_profile();
  CHECK(find_growth(profile, 0).processes.at(0).seconds_left == -1);
  CHECK(find_growth(profile, 1 << 20).processes.at(0).seconds_left == 0);
}

TEST_CASE("growth keeps to the filters") {
  ProfileOptions options;
  options.ignore = "new_session";
  CHECK(find_growth(server_profile(options), 0).growing.empty());
  options = {};
  options.thread = "server";
  CHECK(find_growth(server_profile(options), 0).growing.size() == 1);
}

TEST_CASE("a short recording says nothing of growth") {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/server");
  fake.thread(1, 1, 100, "server");
  for (int i = 0; i < 40; ++i) {
    const FakeRecording::At at{i * 10'000'000, 10'000'000};
    fake.builder.add(HeapSliceRecord{{1}, at.start_ns, at.length_ns, 0, 0, 0, 0, 0});
    fake.allocation(1, {"server!main"}, FakeRecording::blocks(1000, 10, 0, at));
  }
  ProfileOptions live;
  live.metric = Metric::kLive;
  auto profile = build_profile(fake.finish(), live, fake.symbols());
  REQUIRE(profile.ok());
  const HeapGrowth growth = find_growth(*profile, 0);
  CHECK(growth.growing.empty());
  CHECK(growth.processes.empty());
}

}  // namespace
}  // namespace flarestack
