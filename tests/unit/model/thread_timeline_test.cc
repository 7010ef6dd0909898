// SPDX-License-Identifier: Apache-2.0
#include "model/thread_timeline.h"

#include <catch2/catch.hpp>

#include "model/location_tree.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

Profile built(FakeRecording& fake, Metric metric = Metric::kCpu) {
  ProfileOptions options;
  options.metric = metric;
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

std::vector<std::string> leaves(const Profile& profile, const ThreadTimeline& timeline) {
  std::vector<std::string> names;
  for (const TimelineEntry& entry : timeline.entries) {
    const uint32_t node = profile.samples[entry.sample].node;
    names.push_back(profile.functions[profile.tree.nodes()[node].function].name);
  }
  return names;
}

}  // namespace

TEST_CASE("a thread's samples follow each other, stacks alike side by side") {
  FakeRecording fake;
  fake.process(1, 100, "/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "other");
  const FakeRecording::At first{0, 10'000'000};
  const FakeRecording::At second{10'000'000, 10'000'000};
  fake.sample(1, {"game!main", "game!a"}, 3, first);
  fake.sample(1, {"game!b"}, 2, first);
  fake.sample(1, {"game!main", "game!c"}, 1, first);
  fake.sample(1, {"game!main", "game!a"}, 4, second);
  fake.sample(1, {"game!b"}, 9, second);
  fake.sample(2, {"game!b"}, 5, second);
  const Profile profile = built(fake);
  const std::vector<ThreadTimeline> timelines = thread_timelines(profile);
  REQUIRE(timelines.size() == 2);
  CHECK(timelines[0].total == 19'000'000);
  // b weighs most; main's two are side by side; the second slice goes backwards, on from where the first one ended.
  CHECK(leaves(profile, timelines[0]) == std::vector<std::string>{"b", "a", "c", "a", "b"});
  std::vector<int64_t> starts_ms;
  for (const TimelineEntry& entry : timelines[0].entries) starts_ms.push_back(entry.start_ns / 1'000'000);
  CHECK(starts_ms == std::vector<int64_t>{0, 2, 5, 10, 14});
  CHECK(timelines[1].entries.front().start_ns == 10'000'000);
}

TEST_CASE("samples that do not fit into their slice push the next one back") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"game!a"}, 12, {0, 10'000'000});
  fake.sample(1, {"game!a"}, 3, {10'000'000, 10'000'000});
  const Profile profile = built(fake);
  CHECK(thread_timelines(profile).front().entries.back().start_ns == 12'000'000);
}

TEST_CASE("allocations are spread over their slice") {
  FakeRecording fake;
  fake.heap();
  fake.thread(1, 0, 100, "game");
  for (const char* name : {"game!a", "game!b"})
    fake.allocation(1, {name}, FakeRecording::blocks(100, 3, 1, {20'000'000, 10'000'000}));
  const std::vector<TimelineEntry> entries = thread_timelines(built(fake, Metric::kAllocated)).front().entries;
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].start_ns == 20'000'000);
  CHECK(entries[1].start_ns == 25'000'000);
}

TEST_CASE("a tree of locations tells the lines of calls apart, and has inlined functions and what is lost") {
  FakeRecording fake;
  fake.thread(1, 0, 100, "game");
  fake.sample(1, {"game!main@7", "game!f >> g"}, 1);
  fake.sample(1, {"game!main@8", "game!f >> g"}, 2);
  fake.builder.add(SampleRecord{{1}, {}, SampleMetric::kCpu, 0, 1000, 1, 1000});     // no stack
  fake.builder.add(SampleRecord{{1}, {999}, SampleMetric::kCpu, 0, 1000, 1, 1000});  // one that was lost
  const Profile profile = built(fake);
  const LocationTree tree(profile);
  CHECK(tree.nodes().size() == 1 + 2 * 3 + 2);
  std::vector<std::string> paths;
  for (const ProfileSample& sample : profile.samples) {
    std::string path;
    for (uint32_t node = tree.node_of(sample); node != LocationTree::kRoot; node = tree.nodes()[node].parent) {
      const Location& location = profile.locations[tree.nodes()[node].location];
      path += profile.functions[location.function].name + ":" + std::to_string(location.line) + " ";
    }
    paths.push_back(path);
  }
  CHECK(paths == std::vector<std::string>{"g:21 f:20 main:7 ", "g:21 f:20 main:8 ", "[no stack]:0 ", "[lost]:0 "});
}

}  // namespace flarestack
