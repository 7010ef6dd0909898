// SPDX-License-Identifier: Apache-2.0
// Whose leak a block is that a fork's child inherited: leak_choice.h, by way of find_leaks().
#include <functional>

#include "tests/unit/model/leaky_game.h"

namespace flarestack {
namespace {

using V = LeakVerdict;
using Amount = std::pair<uint64_t, uint64_t>;
Amount amount(const LeakAmount& of) { return {of.bytes, of.blocks}; }

constexpr int64_t kFork = 50'000'000;
const LeakyGame::Names kOther = {"libc.so.6!_start", "game!main@40", "game!other@2"};

// A game (1), its child (2) and the child's child (3), whose leaks the caller adds.
struct Family {
  LeakyGame game;
  Family() {
    game.heap();
    game.process(1, 100, "/usr/bin/game");
    for (const uint32_t process : {2U, 3U}) fork(process, process - 1);
    game.thread(1, 1, 100, "game");
  }
  void fork(uint32_t process, uint32_t parent) { game.process(process, 99 + process, "/usr/bin/game", parent, kFork); }
  void check(uint32_t process, LeakCheckCause cause = LeakCheckCause::kExit, int64_t time_ns = 90'000'000,
             const std::string& problem = "", uint64_t blocks = 9) {
    game.builder.add(LeakCheckRecord{{process}, 2, cause, time_ns, 1000, blocks, 999, 4096, problem});
  }
  // As thread 1 of the game allocated them before all forks.
  LeakRecord leak(uint32_t process, V verdict, uint64_t blocks, uint64_t bytes) {
    LeakRecord record = game.leak(verdict, kList, blocks, bytes, process);
    record.inherited = process != 1;
    return record;
  }
  void add(const LeakRecord& record) { game.builder.add(record); }
  Leaks find(ProfileOptions options = {}) {
    options.metric = Metric::kLive;
    auto built = build_profile(game.finish(), options, game.symbols());
    REQUIRE(built.ok());
    profile.emplace(std::move(*built));
    return leaks_of(*profile, nullptr);
  }
  std::optional<Profile> profile;
};

// What is lost in the child by its own fault where the parent has lost `parents`, and what is listed apart.
struct Split {
  Amount own, apart;
};
Split split(const std::vector<LeakRecord>& parents, const std::vector<LeakRecord>& childs) {
  Family family;
  for (const uint32_t process : {1U, 2U}) family.check(process);
  for (LeakRecord each : parents) {
    each.stack = family.leak(1, V::kDefinitelyLost, 1, 1).stack;
    family.add(each);
  }
  for (LeakRecord each : childs) {
    each.stack = family.leak(2, V::kDefinitelyLost, 1, 1).stack;
    family.add(each);
  }
  ProfileOptions child;
  child.process = "101";
  const Leaks leaks = family.find(child);
  return {{leaks.totals.lost_bytes(), leaks.totals.lost_blocks()}, amount(leaks.totals.inherited)};
}

LeakRecord sum(uint32_t process, V verdict, uint64_t blocks, uint64_t bytes, uint64_t smallest, uint64_t largest) {
  Family family;
  LeakRecord record = family.leak(process, verdict, blocks, bytes);
  record.smallest_bytes = smallest;
  record.largest_bytes = largest;
  return record;
}

}  // namespace

TEST_CASE("what a child inherited and lost is its leak where its parent has it still, or freed it") {
  for (const bool reachable : {true, false}) {
    Family family;
    for (const uint32_t process : {1U, 2U}) family.check(process);
    if (reachable) family.add(family.leak(1, V::kStillReachable, 3, 72));
    family.add(family.leak(2, V::kDefinitelyLost, 1, 24));
    family.add(family.game.held_by_block(family.leak(2, V::kIndirectlyLost, 2, 48), kList));
    const Leaks leaks = family.find();
    CHECK(leaks.totals.lost_bytes() == 72);
    CHECK(leaks.totals.inherited.blocks == 0);
    REQUIRE(leaks.sites.size() == (reachable ? 3 : 2));
    CHECK(leaks.sites[0].inherited);
    CHECK(leaks.sites[0].processes == std::vector<uint32_t>{1});
    CHECK(leaks.sites[0].threads == std::vector<uint32_t>{0});
    CHECK(amount(leaks.sites[0].behind) == Amount{48, 2});
    CHECK(leaks.no_parent_verdict.empty());
    ProfileOptions leaked;
    leaked.metric = Metric::kLeaked;
    auto profile = build_profile(*family.profile->shared, leaked, family.game.symbols());
    REQUIRE(profile.ok());
    CHECK(profile->total() == 72);
  }
}

TEST_CASE("what the parent lost as well is listed apart, by the thread and stack that allocated it") {
  const LeakRecord of_parent = sum(1, V::kDefinitelyLost, 3, 72, 24, 24);
  CHECK(split({of_parent}, {sum(2, V::kDefinitelyLost, 3, 72, 24, 24)}).own == Amount{0, 0});
  CHECK(split({of_parent}, {sum(2, V::kIndirectlyLost, 3, 72, 24, 24)}).own == Amount{0, 0});
  CHECK(split({of_parent}, {sum(2, V::kDefinitelyLost, 2, 48, 24, 24)}).apart == Amount{48, 2});
  LeakRecord of_other_thread = sum(2, V::kDefinitelyLost, 3, 72, 24, 24);
  of_other_thread.thread = {};
  CHECK(split({of_parent}, {of_other_thread}).own == Amount{72, 3});
  Family family;
  for (const uint32_t process : {1U, 2U}) family.check(process);
  family.add(family.leak(1, V::kDefinitelyLost, 1, 24));
  LeakRecord elsewhere = family.game.leak(V::kDefinitelyLost, kOther, 1, 24, 2);
  elsewhere.inherited = true;
  family.add(elsewhere);
  const Leaks leaks = family.find();
  CHECK(leaks.totals.lost_blocks() == 2);
  CHECK(leaks.totals.inherited.blocks == 0);
}

TEST_CASE("what is beyond the parent's loss is the child's, in bytes what is left of both sums") {
  Split both = split({sum(1, V::kDefinitelyLost, 1, 100, 100, 100)}, {sum(2, V::kDefinitelyLost, 3, 330, 100, 120)});
  CHECK(both.own == Amount{230, 2});
  CHECK(both.apart == Amount{100, 1});
  // Within what the sizes allow: of 100, 110 and 120 bytes one has 120 at most, and the rest 200 at least.
  both = split({sum(1, V::kDefinitelyLost, 1, 4000, 4000, 4000)}, {sum(2, V::kDefinitelyLost, 3, 330, 100, 120)});
  CHECK(both.own == Amount{210, 2});
  CHECK(both.apart == Amount{120, 1});
  both = split({sum(1, V::kDefinitelyLost, 2, 2, 1, 1)}, {sum(2, V::kDefinitelyLost, 3, 330, 100, 120)});
  CHECK(both.own == Amount{120, 1});
  CHECK(both.apart == Amount{210, 2});
  // A record that both have first, then those of the same verdict: 40 bytes are definitely, 500 indirectly the child's.
  both = split({sum(1, V::kDefinitelyLost, 1, 10, 10, 10), sum(1, V::kIndirectlyLost, 4, 400, 100, 100)},
               {sum(2, V::kIndirectlyLost, 5, 500, 100, 100), sum(2, V::kDefinitelyLost, 5, 50, 10, 10),
                sum(2, V::kIndirectlyLost, 4, 400, 100, 100)});
  CHECK(both.own == Amount{540, 9});
  CHECK(both.apart == Amount{410, 5});
  // More indirectly lost ones in the parent than in the child: the others are definitely lost there.
  both = split({sum(1, V::kIndirectlyLost, 3, 30, 10, 10)},
               {sum(2, V::kIndirectlyLost, 1, 10, 10, 10), sum(2, V::kDefinitelyLost, 4, 40, 10, 10)});
  CHECK(both.own == Amount{20, 2});
  CHECK(both.apart == Amount{30, 3});
}

TEST_CASE("numbers that no recorder writes split into what there is") {
  const LeakRecord huge = sum(2, V::kDefinitelyLost, uint64_t{1} << 59, 5, uint64_t{1} << 59, 0);
  const Split both = split({sum(1, V::kDefinitelyLost, 1, uint64_t{1} << 59, 0, 0)}, {huge});
  CHECK(both.own.first + both.apart.first == 5);
  CHECK(both.own.second + both.apart.second == uint64_t{1} << 59);
}

TEST_CASE("what a parent allocated after the fork hides nothing that the child lost") {
  LeakRecord later = sum(1, V::kDefinitelyLost, 1, 24, 24, 24);
  const LeakRecord of_child = sum(2, V::kDefinitelyLost, 1, 24, 24, 24);
  later.first_ns = later.last_ns = kFork + 1;
  CHECK(split({later}, {of_child}).own == Amount{24, 1});
  later.first_ns = kFork - 1;
  CHECK(split({later}, {of_child}).own == Amount{0, 0});
}

TEST_CASE("each process of a chain of forks answers for what it lost itself") {
  Family family;
  for (const uint32_t process : {1U, 2U, 3U}) family.check(process);
  family.add(family.leak(1, V::kDefinitelyLost, 1, 24));
  family.add(family.leak(2, V::kDefinitelyLost, 3, 72));
  family.add(family.leak(3, V::kDefinitelyLost, 4, 96));
  const Leaks leaks = family.find();
  CHECK(amount(leaks.totals.of(V::kDefinitelyLost)) == Amount{96, 4});
  CHECK(amount(leaks.totals.inherited) == Amount{96, 4});
  REQUIRE(leaks.sites.size() == 2);
  CHECK(amount(leaks.sites[0].amount) == Amount{72, 3});
  CHECK(leaks.sites[0].processes == std::vector<uint32_t>{1, 2});
  CHECK_FALSE(leaks.sites[1].inherited);
}

TEST_CASE("each of several children is compared with the whole of its parent's loss") {
  Family family;
  family.fork(4, 1);
  for (const uint32_t process : {1U, 2U, 4U}) family.check(process);
  family.add(family.leak(1, V::kDefinitelyLost, 2, 48));
  for (const uint32_t process : {2U, 4U}) family.add(family.leak(process, V::kDefinitelyLost, 3, 72));
  const Leaks leaks = family.find();
  CHECK(amount(leaks.totals.of(V::kDefinitelyLost)) == Amount{96, 4});
  CHECK(amount(leaks.totals.inherited) == Amount{96, 4});
}

TEST_CASE("without a verdict of the parent nobody is to blame, and the reason is told") {
  const auto reason_of = [](const std::function<void(Family&)>& look_at_parent) {
    Family family;
    family.check(2);
    look_at_parent(family);
    family.add(family.leak(2, V::kDefinitelyLost, 2, 48));
    family.add(family.leak(2, V::kStillReachable, 1, 24));
    const Leaks leaks = family.find();
    CHECK(leaks.totals.lost_blocks() == (leaks.no_parent_verdict.empty() ? 2 : 0));
    if (leaks.no_parent_verdict.empty()) return std::string();
    CHECK(leaks.no_parent_verdict[0].process == 1);
    CHECK(leaks.no_parent_verdict[0].unknown.parent == 0);
    CHECK(amount(leaks.no_parent_verdict[0].lost) == Amount{48, 2});
    CHECK(amount(leaks.totals.inherited) == Amount{72, 3});
    return leaks.no_parent_verdict[0].unknown.reason;
  };
  CHECK(reason_of([](Family& family) {
          family.game.allocation(1, kList, FakeRecording::blocks(24, 3, 0));
          family.game.end_process(1, ExitKind::kSignaled, 9, 0);
        }) == "killed by SIGKILL, which leaves no moment to look");
  CHECK(reason_of([](Family&) {}) == "nothing of its heap was recorded");
  CHECK(reason_of([](Family& family) { family.check(1, LeakCheckCause::kExit, kFork, "it was killed"); }) ==
        "only a part of it was looked at: it was killed");
  CHECK(reason_of([](Family& family) { family.check(1, LeakCheckCause::kExit, kFork, "it was killed", 0); }) ==
        "it was killed");
  CHECK(reason_of([](Family& family) { family.check(1, LeakCheckCause::kOnDemand, kFork - 1); }) ==
        "it was looked at before the fork only");
  CHECK(reason_of([](Family& family) { family.check(1, LeakCheckCause::kOnDemand, kFork); }).empty());
  CHECK(reason_of([](Family& family) { family.check(1, LeakCheckCause::kExit, kFork - 1); }).empty());
}

}  // namespace flarestack
