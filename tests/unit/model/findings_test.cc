// SPDX-License-Identifier: Apache-2.0
#include "model/findings.h"

#include <catch2/catch.hpp>

#include "tests/unit/report/busy_game.h"

namespace flarestack {
namespace {

const Finding* find(const Findings& findings, const std::string& id, const std::string& title = "") {
  for (const Finding& one : findings.list) {
    if (one.id == id && (title.empty() || one.title == title)) return &one;
  }
  return nullptr;
}

const Finding& get(const Findings& findings, const std::string& id, const std::string& title = "") {
  const Finding* found = find(findings, id, title);
  INFO(id << " " << title);
  REQUIRE(found != nullptr);
  return *found;
}

std::string place_of(const Finding& finding, size_t index = 0) {
  REQUIRE(index < finding.places.size());
  REQUIRE(!finding.places[index].path.empty());
  const Profile& profile = *finding.profile;
  return profile.functions[profile.locations[finding.places[index].path.front()].function].name;
}

constexpr uint64_t kMs = 1'000'000;

}  // namespace

TEST_CASE("what libraries do for the program is found by its kind, and at the place in the program") {
  const BusyGame game = busy_game(Metric::kCpu);
  const Findings findings = find_bottlenecks({&game.time, &game.heap, {}}, 0.01);
  CHECK(findings.cpu_ns == 50 * kMs);
  CHECK(findings.recording_ns == 5 * kMs);
  const Finding& allocation = get(findings, "cpu.allocation");
  CHECK(allocation.amount == 12 * kMs);
  CHECK(allocation.share == Approx(0.24));
  CHECK(allocation.win == Approx(0.24));
  CHECK(place_of(allocation) == "draw_label");
  CHECK(allocation.places[0].amount == 10 * kMs);
  CHECK(allocation.places[0].call == "operator new, free");
  CHECK(place_of(allocation, 1) == "load_level");
  CHECK(get(findings, "cpu.formatting").amount == 3 * kMs);
  CHECK(get(findings, "cpu.tree").amount == 4 * kMs);
  CHECK(get(findings, "cpu.copying").amount == 4 * kMs);
  CHECK(get(findings, "cpu.system_calls").amount == 3 * kMs);
  CHECK(get(findings, "cpu.system_calls").places[0].call == "read");
  CHECK(get(findings, "cpu.kernel").amount == 3 * kMs);
  CHECK(place_of(get(findings, "cpu.kernel")) == "blur");
  CHECK(get(findings, "cpu.loading").amount == 1 * kMs);
  const Finding& own = get(findings, "cpu.function", "trace_rays");
  CHECK(own.amount == 20 * kMs);
  CHECK(own.why.find("80.0% of it on line") != std::string::npos);
  CHECK(find(findings, "cpu.function", "blur") == nullptr);
}

TEST_CASE("what is said of allocations stands beside the time that they take") {
  const BusyGame game = busy_game(Metric::kCpu);
  const Findings findings = find_bottlenecks({&game.time, &game.heap, {}}, 0.05);
  const Finding& allocation = get(findings, "cpu.allocation");
  CHECK(allocation.places[0].matter.find("50,000 allocations") != std::string::npos);
  CHECK(allocation.places[0].remedy.find("buffer that is kept") != std::string::npos);
  CHECK(allocation.places[1].matter.empty());
  CHECK(find(findings, "heap.allocations") == nullptr);
  const Finding& peak = get(findings, "memory.peak");
  CHECK(peak.gain == FindingGain::kMemory);
  CHECK(peak.amount == uint64_t{48} << 20);
  CHECK(place_of(peak) == "load_level");
  // Nobody knows what allocating costs: what is said of it stands for itself.
  const Findings heap_alone = find_bottlenecks({nullptr, &game.heap, {}}, 0.05);
  CHECK(get(heap_alone, "heap.allocations").share == Approx(0.9998).margin(0.001));
  CHECK_FALSE(heap_alone.has_time);
}

TEST_CASE("a wait wins no more than one thread spent in it, nor more than the time in which nothing ran") {
  const BusyGame game = busy_game();
  const Findings findings = find_bottlenecks({&game.time, nullptr, {}}, 0.01);
  CHECK(findings.elapsed_ns == 100 * kMs);
  CHECK(findings.busy == Approx(0.5));
  const Finding& lock = get(findings, "wait.lock");
  CHECK(lock.amount == 20 * kMs);
  CHECK(lock.win == Approx(0.2));
  CHECK(lock.places[0].call == "pthread_mutex_lock");
  CHECK(place_of(lock) == "save");
  CHECK(get(findings, "wait.disk").win == Approx(0.3));
  const Finding& condition = get(findings, "wait.condition");
  CHECK(condition.amount == 65 * kMs);
  CHECK(condition.win == Approx(0.45));  // for the rest of the idle time a thread was ready to run
  CHECK(condition.confidence == Confidence::kPossible);
  CHECK(get(findings, "wait.processor").win == Approx(0.05));
  CHECK(get(findings, "cpu.function", "trace_rays").win == Approx(0.2));
  for (size_t i = 1; i < findings.list.size(); ++i)
    CHECK(expected_win(findings.list[i - 1]) >= expected_win(findings.list[i]));
}

TEST_CASE("waiting of others is no bottleneck while a thread runs all the time") {
  FakeRecording fake;
  fake.process(1, 100, "/usr/bin/game");
  fake.thread(1, 1, 100, "game");
  fake.thread(2, 1, 101, "worker");
  fake.sample(2, {"libc.so.6!clone", "game!worker"}, 100);
  fake.wait(1, {"libc.so.6!_start", "game!main", "libc.so.6!pthread_join"}, 100);
  ProfileOptions options;
  options.metric = Metric::kWall;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  const Findings findings = find_bottlenecks({&*profile, nullptr, {}}, 0.01);
  REQUIRE(findings.list.size() == 1);
  CHECK(findings.list[0].title == "worker");
}

TEST_CASE("findings below the threshold are none") {
  const BusyGame game = busy_game(Metric::kCpu);
  const Findings findings = find_bottlenecks({&game.time, nullptr, {}}, 0.3);
  REQUIRE(findings.list.size() == 1);
  CHECK(findings.list[0].title == "trace_rays");
  CHECK(find_bottlenecks({&game.time, nullptr, {}}, 0.9).list.empty());
}

}  // namespace flarestack
