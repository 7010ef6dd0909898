// SPDX-License-Identifier: Apache-2.0
#include "model/profile_diff.h"

#include <catch2/catch.hpp>

#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

using Stack = std::vector<std::string>;

Profile cpu_profile(const std::vector<std::pair<Stack, uint64_t>>& samples) {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/app");
  fake.thread(1, 1, 100, "app");
  for (const auto& [stack, ms] : samples) fake.sample(1, stack, ms);
  auto profile = build_profile(fake.finish(), {}, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

Profile heap_profile(Metric metric, const std::vector<std::tuple<Stack, uint64_t, uint64_t>>& blocks) {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/app");
  fake.thread(1, 1, 100, "app");
  for (const auto& [stack, size_bytes, count] : blocks)
    fake.allocation(1, stack, FakeRecording::blocks(size_bytes, count, 0));
  ProfileOptions options;
  options.metric = metric;
  auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  return std::move(*profile);
}

ProfileDiff diff_of(const Profile& base, const Profile& newer, const DiffOptions& options = {}) {
  const Profile* bases[] = {&base};
  const Profile* newers[] = {&newer};
  return diff_profiles(bases, newers, options);
}

std::string names(const std::vector<const FunctionDiff*>& found) {
  std::string text;
  for (const FunctionDiff* each : found)
    text += (text.empty() ? "" : ", ") + each->function.name + " " + verdict_name(each->self.verdict);
  return text;
}

const FunctionDiff& of_name(const ProfileDiff& diff, const std::string& name) {
  for (const FunctionDiff& each : diff.functions) {
    if (each.function.name == name) return each;
  }
  FAIL("no function " << name);
  return diff.functions.front();
}

}  // namespace

TEST_CASE("functions that got slower, faster, new and gone are told apart from noise") {
  const Profile base = cpu_profile({{{"app!main", "app!slow"}, 300},
                                    {{"app!main", "app!fast"}, 400},
                                    {{"app!main", "app!gone"}, 200},
                                    {{"app!main", "app!calm"}, 500}});
  const Profile newer = cpu_profile({{{"app!main", "app!slow"}, 600},
                                     {{"app!main", "app!fast"}, 100},
                                     {{"app!main", "app!fresh"}, 150},
                                     {{"app!main", "app!calm"}, 520}});
  const ProfileDiff diff = diff_of(base, newer);
  CHECK(names(changed_functions(diff, ChangeDirection::kMore)) == "slow more, fresh new");
  CHECK(names(changed_functions(diff, ChangeDirection::kLess)) == "fast less, gone vanished");
  CHECK(of_name(diff, "calm").self.verdict == ChangeVerdict::kNoise);
  CHECK(of_name(diff, "calm").self.change.change == 20e6);
  CHECK(of_name(diff, "main").self.verdict == ChangeVerdict::kSame);
  CHECK(of_name(diff, "main").total.change.base == 1400e6);
  CHECK(diff.total.verdict == ChangeVerdict::kNoise);  // 1400 and 1370
  CHECK(!diff.is_exact);
}

TEST_CASE("a function's total is of its outermost calls, also where several are one") {
  const Profile base = cpu_profile({{{"app!walk", "app!walk.part.0", "app!leaf"}, 100}});
  const Profile newer = cpu_profile({{{"app!walk", "app!leaf"}, 100}});
  const ProfileDiff diff = diff_of(base, newer);
  CHECK(of_name(diff, "walk").total.change.base == 100e6);
  CHECK(of_name(diff, "walk").total.verdict == ChangeVerdict::kSame);
}

TEST_CASE("what was there without a cost of its own is not new") {
  const Profile base = cpu_profile({{{"app!main", "app!leaf"}, 500}});
  const Profile newer = cpu_profile({{{"app!main", "app!leaf"}, 500}, {{"app!main"}, 300}});
  CHECK(names(changed_functions(diff_of(base, newer), ChangeDirection::kMore)) == "main more");
}

TEST_CASE("with equal totals the shares are compared") {
  const Profile base = cpu_profile({{{"app!a"}, 500}, {{"app!b"}, 500}});
  const Profile newer = cpu_profile({{{"app!a"}, 1000}, {{"app!b"}, 1000}});
  CHECK(changed_functions(diff_of(base, newer), ChangeDirection::kMore).size() == 2);
  const ProfileDiff equal = diff_of(base, newer, {true});
  CHECK(equal.scale == 0.5);
  CHECK(changed_functions(equal, ChangeDirection::kMore).empty());
}

TEST_CASE("the heap of an exact recording is compared to the byte, by function and by site") {
  const Profile base = heap_profile(Metric::kAllocated, {{{"app!main", "app!parse@10"}, 100, 50},
                                                         {{"app!main", "app!parse@20"}, 24, 100},
                                                         {{"app!main", "app!keep@5"}, 4096, 10}});
  const Profile newer = heap_profile(Metric::kAllocated, {{{"app!main", "app!parse@13"}, 100, 50},
                                                          {{"app!main", "app!parse@25"}, 24, 400},
                                                          {{"app!main", "app!keep@5"}, 4096, 10},
                                                          {{"app!main", "app!extra@7"}, 1000, 8}});
  const ProfileDiff diff = diff_of(base, newer);
  CHECK(diff.is_exact);
  CHECK(names(changed_functions(diff, ChangeDirection::kMore)) == "extra new, parse more");
  const std::vector<const SiteDiff*> sites = changed_sites(diff, ChangeDirection::kMore);
  REQUIRE(sites.size() == 2);
  CHECK(sites[0]->path[0].function == "extra");
  CHECK(sites[0]->value.verdict == ChangeVerdict::kNew);
  CHECK(sites[0]->base_line == 0);
  CHECK(sites[1]->path[0].line == 25);
  CHECK(sites[1]->base_line == 20);
  CHECK(sites[1]->value.change.change == 300 * 24);
  CHECK(sites[1]->path[1].function == "main");
  REQUIRE(diff.sites.size() == 4);
  CHECK(diff.sites.back().value.verdict == ChangeVerdict::kSame);
  CHECK(changed_sites(diff, ChangeDirection::kLess).empty());
}

TEST_CASE("repeated recordings are compared by their means and spread") {
  std::vector<Profile> profiles;
  for (const uint64_t ms : {1000, 1400, 1200})
    profiles.push_back(cpu_profile({{{"app!wild"}, ms}, {{"app!calm"}, 1000}}));
  for (const uint64_t ms : {1500, 1150, 1400})
    profiles.push_back(cpu_profile({{{"app!wild"}, ms}, {{"app!calm"}, 2000}}));
  const Profile* base[] = {&profiles[0], &profiles[1], &profiles[2]};
  const Profile* newer[] = {&profiles[3], &profiles[4], &profiles[5]};
  const ProfileDiff diff = diff_profiles(base, newer, {});
  CHECK(names(changed_functions(diff, ChangeDirection::kMore)) == "calm more");
  CHECK(of_name(diff, "wild").self.verdict == ChangeVerdict::kNoise);
  CHECK(of_name(diff, "wild").self.base.runs == std::vector<double>{1000e6, 1400e6, 1200e6});
  CHECK(of_name(diff, "wild").self.change.base == Approx(1200e6));
  // One of each: 150 of 1350 samples and more are no chance of sampling.
  CHECK(names(changed_functions(diff_of(profiles[0], profiles[3]), ChangeDirection::kMore)) == "calm more, wild more");
}

}  // namespace flarestack
