// SPDX-License-Identifier: Apache-2.0
#include "model/level_changes.h"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

// Noise of 1 % with a long tail upwards, as times of runs have it.
std::vector<double> noisy(const std::vector<std::pair<double, size_t>>& levels, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 0.01);
  std::bernoulli_distribution is_disturbed(0.05);
  std::vector<double> values;
  for (const auto& [level, count] : levels) {
    for (size_t i = 0; i < count; ++i)
      values.push_back(level * (1 + normal(random) + (is_disturbed(random) ? 0.5 : 0)));
  }
  return values;
}

bool is_near(size_t at, size_t wanted) { return at + 1 >= wanted && at <= wanted + 1; }

TEST_CASE("a step of five deviations is found where it is, in spite of outliers") {
  size_t found = 0;
  size_t in_place = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    const std::vector<LevelChange> changes = level_changes(noisy({{100, 30}, {105, 30}}, seed));
    if (changes.size() != 1) continue;
    ++found;
    in_place += is_near(changes[0].at, 30) ? 1 : 0;
    CHECK(changes[0].before == Approx(100).epsilon(0.01));
    CHECK(changes[0].after == Approx(105).epsilon(0.01));
    CHECK(changes[0].p < kLevelChangeError);
  }
  CHECK(found >= 47);
  CHECK(in_place >= 40);
}

TEST_CASE("series without a change have none, whatever their outliers") {
  size_t with_changes = 0;
  for (unsigned seed = 0; seed < 200; ++seed) with_changes += level_changes(noisy({{100, 60}}, seed)).empty() ? 0 : 1;
  CHECK(with_changes <= 6);  // of 200 by kLevelChangeError: 2
}

TEST_CASE("a level that lasted for a short time is found, and the way back") {
  size_t found = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    const std::vector<LevelChange> changes = level_changes(noisy({{100, 40}, {110, 8}, {100, 40}}, seed));
    found += changes.size() == 2 && is_near(changes[0].at, 40) && is_near(changes[1].at, 48) ? 1 : 0;
  }
  CHECK(found >= 35);
}

TEST_CASE("of several steps each is found") {
  const std::vector<LevelChange> changes = level_changes(noisy({{100, 20}, {108, 20}, {95, 20}, {120, 20}}, 4));
  REQUIRE(changes.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(is_near(changes[i].at, 20 * (i + 1)));
}

TEST_CASE("exact numbers change by a single step, and one that is off is no level") {
  std::vector<double> counts(20, 800);
  counts[7] = 5000;
  CHECK(level_changes(counts).empty());
  counts.insert(counts.end(), 6, 824);
  const std::vector<LevelChange> changes = level_changes(counts);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].at == 20);
  CHECK(changes[0].after == 824);
}

TEST_CASE("a sure change that is next to nothing is none") {
  std::vector<double> counts(20, 1'000'000);
  counts.insert(counts.end(), 20, 1'000'100);
  CHECK(level_changes(counts).empty());
}

TEST_CASE("what is too short has no levels") {
  CHECK(level_changes({}).empty());
  CHECK(level_changes(std::vector<double>{1, 1, 1, 9, 9, 9}).empty());
}

}  // namespace
}  // namespace flarestack
