// SPDX-License-Identifier: Apache-2.0
#include "model/leaks.h"

#include <map>

#include <catch2/catch.hpp>

#include "tests/unit/model/leaky_game.h"

namespace flarestack {
namespace {

std::string leaf(const Profile& profile, const std::vector<uint32_t>& path) {
  return path.empty() ? "" : profile.functions[profile.locations[path.front()].function].name;
}

const LeakSite* site_of(const Profile& profile, const std::vector<LeakSite>& sites, LeakVerdict verdict,
                        const std::string& function, size_t nth = 0) {
  for (const LeakSite& site : sites) {
    if (site.verdict == verdict && leaf(profile, site.path) == function && nth-- == 0) return &site;
  }
  return nullptr;
}

using Amount = std::pair<uint64_t, uint64_t>;
Amount amount(const LeakAmount& of) { return {of.bytes, of.blocks}; }
Amount total(const Leaks& leaks, LeakVerdict verdict) { return amount(leaks.totals.of(verdict)); }

ProfileOptions of_metric(Metric metric) {
  ProfileOptions options;
  options.metric = metric;
  return options;
}

TEST_CASE("the last check of each process gives the totals, what is suppressed and inherited apart") {
  const Profile profile = leaky_profile();
  const Suppressions builtin = builtin_suppressions();
  const Leaks leaks = leaks_of(profile, &builtin);
  CHECK(total(leaks, LeakVerdict::kDefinitelyLost) == Amount{120, 4});
  CHECK(total(leaks, LeakVerdict::kIndirectlyLost) == Amount{3288, 15});
  CHECK(total(leaks, LeakVerdict::kPossiblyLost) == Amount{4096, 1});
  CHECK(total(leaks, LeakVerdict::kStillReachable) == Amount{(2 << 20) + 640, 11});
  CHECK(amount(leaks.totals.suppressed) == Amount{1024, 1});
  CHECK(amount(leaks.totals.inherited) == Amount{360, 14});
  CHECK(leaks.totals.lost_bytes() == 3408);
  REQUIRE(leaks.checks.size() == 2);
  CHECK(leaks.checks[0].check.number == 2);
  CHECK(leaks.checks[0].checks == 2);
  CHECK(leaks.checks[1].check.problem == "it was killed while it was looked at");
  REQUIRE(leaks.inherited.size() == 1);
  CHECK(leaf(profile, leaks.inherited[0].path) == "push_node");
  const Leaks all = leaks_of(profile, nullptr);
  CHECK(total(all, LeakVerdict::kStillReachable) == Amount{(2 << 20) + 1664, 12});
}

TEST_CASE("sites of one stack and verdict are one, of all threads and processes, worst first") {
  const Profile profile = leaky_profile();
  const Suppressions builtin = builtin_suppressions();
  const Leaks leaks = leaks_of(profile, &builtin);
  REQUIRE(leaks.sites.size() == 7);
  const LeakSite& first = leaks.sites.front();
  CHECK(leaf(profile, first.path) == "push_node");
  CHECK(amount(first.amount) == Amount{96, 3});
  CHECK(amount(first.behind) == Amount{3288, 15});
  CHECK(first.smallest_bytes == 24);
  CHECK(first.largest_bytes == 48);
  CHECK(first.first_ns == 10'000'000);
  CHECK(first.last_ns == 30'000'000);
  CHECK(first.threads == std::vector<uint32_t>{0, 2});
  CHECK(first.processes == std::vector<uint32_t>{0, 1});
  CHECK(first.path.size() == 4);
  const LeakSite* thread = site_of(profile, leaks.sites, LeakVerdict::kDefinitelyLost, "push_node", 1);
  REQUIRE(thread != nullptr);
  CHECK(thread->threads == std::vector<uint32_t>{1});
  CHECK(thread->behind.blocks == 0);
  for (size_t i = 1; i < leaks.sites.size(); ++i) CHECK(leaks.sites[i - 1].verdict <= leaks.sites[i].verdict);
}

TEST_CASE("an inlined function is a frame of its own, or none with --no-inline") {
  for (const bool inlined : {true, false}) {
    ProfileOptions options;
    options.inline_frames = inlined;
    const Profile profile = leaky_profile(options);
    const Leaks leaks = leaks_of(profile, nullptr);
    CHECK((site_of(profile, leaks.sites, LeakVerdict::kPossiblyLost, inlined ? "carve" : "Pool::grow") != nullptr));
  }
}

TEST_CASE("who holds a block is told by name") {
  const Profile profile = leaky_profile();
  const Leaks leaks = leaks_of(profile, nullptr);
  const LeakSite* cache = site_of(profile, leaks.sites, LeakVerdict::kStillReachable, "init_cache");
  REQUIRE(cache != nullptr);
  REQUIRE(cache->holders.size() == 1);
  CHECK(cache->holders[0].variable == "World::level_cache");
  CHECK(cache->holders[0].offset_in_variable == 8);
  const LeakSite* pool = site_of(profile, leaks.sites, LeakVerdict::kStillReachable, "carve");
  REQUIRE(pool != nullptr);
  REQUIRE(pool->holders.size() == 2);
  CHECK(pool->holders[0].kind == LeakHolder::kBlock);
  CHECK(leaf(profile, pool->holders[0].path) == "init_cache");
  CHECK(pool->holders[1].kind == LeakHolder::kStack);
  CHECK(pool->holders[1].thread == 1);
}

TEST_CASE("what is behind a suppressed leak is suppressed with it") {
  const Profile profile = leaky_profile();
  Suppressions suppressions;
  REQUIRE(suppressions
              .add("{\n a\n Memcheck:Leak\n match-leak-kinds: definite\n fun:malloc\n fun:push_node\n ...\n"
                   " fun:main\n}\n",
                   "a.supp")
              .ok());
  const Leaks leaks = leaks_of(profile, &suppressions);
  CHECK(total(leaks, LeakVerdict::kDefinitelyLost) == Amount{24, 1});  // of the other thread, which main() is not in
  CHECK(total(leaks, LeakVerdict::kIndirectlyLost) == Amount{0, 0});
  CHECK(amount(leaks.totals.suppressed) == Amount{96 + 3288, 18});
  CHECK(leaks.suppressed.size() == 3);
  for (const LeakSite& site : leaks.suppressed) CHECK(site.suppression == 0);
}

TEST_CASE("filters choose processes, threads and functions") {
  ProfileOptions child;
  child.process = "101";
  const Profile of_child = leaky_profile(child);
  CHECK(total(leaks_of(of_child, nullptr), LeakVerdict::kDefinitelyLost) == Amount{24, 1});
  CHECK(amount(leaks_of(of_child, nullptr).totals.inherited) == Amount{360, 14});
  ProfileOptions worker;
  worker.thread = "worker-1";
  const Profile of_worker = leaky_profile(worker);
  CHECK(total(leaks_of(of_worker, nullptr), LeakVerdict::kDefinitelyLost) == Amount{24, 1});
  ProfileOptions without_nodes;
  without_nodes.ignore = "push_node";
  const Profile others = leaky_profile(without_nodes);
  CHECK(total(leaks_of(others, nullptr), LeakVerdict::kDefinitelyLost) == Amount{0, 0});
  CHECK(total(leaks_of(others, nullptr), LeakVerdict::kIndirectlyLost) == Amount{3000, 3});
  ProfileOptions only_cache;
  only_cache.focus = "init_cache";
  const Profile of_cache = leaky_profile(only_cache);
  CHECK(leaks_of(of_cache, nullptr).sites.size() == 1);
}

TEST_CASE("a process without verdicts says why, and what it had live") {
  const Profile profile = leaky_profile();
  const Leaks leaks = leaks_of(profile, nullptr);
  REQUIRE(leaks.no_verdict.size() == 1);
  CHECK(leaks.no_verdict[0].process == 2);
  CHECK(leaks.no_verdict[0].reason == "killed by SIGKILL, which leaves no moment to look");
  CHECK(amount(leaks.no_verdict[0].live) == Amount{8292, 3});
  REQUIRE(leaks.live_without_verdict.size() == 2);
  CHECK(amount(leaks.live_without_verdict[0].amount) == Amount{8192, 2});
}

TEST_CASE("each way to end without a check has its reason") {
  const auto reason_of = [](ExitKind kind, int32_t code, const std::string& note, HeapMode mode,
                            const std::string& problem, LeakChecks checks = LeakChecks::kNotSaid) {
    FakeRecording fake;
    fake.session.leak_checks = checks;
    fake.heap(mode, 512);
    fake.process(1, 100, "/usr/bin/game");
    fake.thread(1, 1, 100, "game");
    fake.allocation(1, {"game!main"}, FakeRecording::blocks(8, 1, 0));
    fake.end_process(1, kind, code, 0);
    if (!note.empty()) fake.builder.add(NoteRecord{{1}, note});
    if (!problem.empty()) fake.builder.add(LeakCheckRecord{{1}, 1, LeakCheckCause::kExit, 0, 0, 0, 0, 0, problem});
    auto profile = build_profile(fake.finish(), of_metric(Metric::kLive), fake.symbols());
    REQUIRE(profile.ok());
    const Leaks leaks = leaks_of(*profile, nullptr);
    CHECK(leaks.checks.empty());
    REQUIRE(leaks.no_verdict.size() == 1);
    CHECK(amount(leaks.live_without_verdict.at(0).amount) == Amount{8, 1});
    return leaks.no_verdict[0].reason;
  };
  constexpr auto kExact = HeapMode::kExact;
  CHECK(reason_of(ExitKind::kSignaled, 11, "", kExact, "") == "killed by SIGSEGV before its memory could be looked at");
  CHECK(reason_of(ExitKind::kReplacedByExec, 0, "", kExact, "") == "replaced by another program (exec)");
  CHECK(reason_of(ExitKind::kStillRunning, 0, "", kExact, "") == "still running when the recording ended");
  CHECK(reason_of(ExitKind::kExited, 0, "", kExact, "") ==
        "no leak check was made at its end (--no-leak-check, or a raw exit_group)");
  CHECK(reason_of(ExitKind::kExited, 0, "", kExact, "", LeakChecks::kAtEnd) ==
        "ended without passing the C library's _exit (a raw exit_group)");
  for (const ExitKind kind : {ExitKind::kExited, ExitKind::kSignaled, ExitKind::kStillRunning})
    CHECK(reason_of(kind, 9, "", kExact, "", LeakChecks::kNone) == "no leak check was asked for (--no-leak-check)");
  CHECK(reason_of(ExitKind::kUnknown, 0, "", kExact, "") == "its end was not recorded");
  CHECK(reason_of(ExitKind::kExited, 0, "", HeapMode::kSampled, "") ==
        "the heap was sampled: most blocks are not known");
  CHECK(reason_of(ExitKind::kExited, 0, "the leak check is switched off", kExact, "") ==
        "the leak check is switched off");
  CHECK(reason_of(ExitKind::kExited, 0, "", kExact, "its memory could not be read") == "its memory could not be read");
}

TEST_CASE("stacks whose frames say the same are one path, wherever they were recorded") {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.builder.add(LeakCheckRecord{{1}, 1, LeakCheckCause::kExit, 0, 0, 2, 16, 0, ""});
  // Two calls of one function on one line, as a macro makes them, are two frames at two offsets.
  for (const char* each : {"game!twice@5", "game!twice@5 "}) {
    LeakRecord leak;
    leak.process = {1};
    leak.check = 1;
    leak.thread = {1};
    leak.stack = fake.stack({"game!main@1", each});
    leak.blocks = 1;
    leak.bytes = 8;
    fake.builder.add(leak);
  }
  auto profile = build_profile(fake.finish(), of_metric(Metric::kLive), fake.symbols());
  REQUIRE(profile.ok());
  const Leaks leaks = leaks_of(*profile, nullptr);
  REQUIRE(leaks.sites.size() == 1);
  CHECK(amount(leaks.sites[0].amount) == Amount{16, 2});
}

TEST_CASE("--metric leaked counts what is definitely and indirectly lost by call path") {
  const Profile profile = leaky_profile({}, Metric::kLeaked);
  CHECK(profile.total() == 120 + 3288);
  std::map<std::string, uint64_t> self;
  for (const CallNode& node : profile.tree.nodes()) {
    if (node.self != 0) self[profile.functions[node.function].name] += node.self;
  }
  CHECK(self["push_node"] == 120 + 288);
  CHECK(self["std::string::_M_create(unsigned long&, unsigned long)"] == 3000);
  uint64_t blocks = 0;
  for (const ProfileSample& sample : profile.samples) blocks += sample.count;
  CHECK(blocks == 19);
  // Half of the time in which the list was allocated.
  ProfileOptions early;
  early.to_ns = 20'000'000;
  CHECK(leaky_profile(early, Metric::kLeaked).total() == 36 + 24 + 144 + 1500 + 24);
}

TEST_CASE("a recording without a heap or with nothing of leaks in it is no mistake") {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/usr/bin/game");
  auto profile = build_profile(fake.finish(), of_metric(Metric::kLeaked), fake.symbols());
  REQUIRE(profile.ok());
  CHECK(profile->total() == 0);
  const Leaks leaks = leaks_of(*profile, nullptr);
  CHECK(leaks.sites.empty());
  CHECK(leaks.no_verdict.empty());
}

}  // namespace
}  // namespace flarestack
