// SPDX-License-Identifier: Apache-2.0
#include "model/change_test.h"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

ComparedSide side(double total, size_t recordings = 1) { return {total, {}, recordings}; }
ComparedSide exact_side(double total, size_t recordings = 1) {
  return {total, {SampleWeight::Kind::kExact, 0}, recordings};
}
MeasuredValue value(double amount, double samples) { return {amount, samples, {amount}}; }
MeasuredValue runs(std::vector<double> values, double weight = 1) {
  MeasuredValue measured;
  for (const double each : values) measured.value += each / static_cast<double>(values.size());
  measured.samples = measured.value / weight;
  measured.runs = std::move(values);
  return measured;
}

// How many of 100 functions of 100 samples, the first ten of them 200 in the newer recording, are called changed, and
// how many of these are not among the ten.
struct Found {
  int real = 0, chance = 0;
};
Found find_changes(const ChangeTest& test, std::mt19937& random, double factor) {
  std::vector<Change> changes;
  std::vector<double> chances;
  for (int i = 0; i < 100; ++i) {
    const auto sampled = [&](double mean) {
      const double count = std::poisson_distribution<int>(mean)(random);
      return value(count, count);
    };
    changes.push_back(test.of(sampled(100), sampled(i < 10 ? 100 * factor : 100)));
    if (test.is_candidate(changes.back())) chances.push_back(changes.back().chance);
  }
  const double bar = false_discovery_bar(chances);
  Found found;
  for (int i = 0; i < 100; ++i) {
    if (test.matters(changes[i]) && changes[i].chance <= bar) ++(i < 10 ? found.real : found.chance);
  }
  return found;
}

}  // namespace

TEST_CASE("sigma is that of the numbers of samples") {
  const ChangeTest test(side(1000), side(1000), false);
  const Change change = test.of(value(100, 10), value(60, 6));  // 10 a sample: 4 less, of sqrt(10 + 6) = 4
  CHECK(change.change == -40);
  CHECK(change.sigma == Approx(40));
}

TEST_CASE("with equal totals a change is one of shares, and what is everything cannot change") {
  const ChangeTest equal(side(1000), side(2000), true);
  CHECK(equal.of(value(1000, 100), value(2000, 200)).change == 0);
  const Change change = equal.of(value(100, 10), value(400, 40));
  CHECK(change.newer == 200);
  CHECK(change.change == 100);
  const ChangeTest absolute(side(1000), side(2000), false);
  CHECK(absolute.of(value(1000, 100), value(2000, 200)).chance < 1e-6);
}

TEST_CASE("a vanished frame of few samples may be chance, one of many is none") {
  const ChangeTest test(side(1000), side(1000), true);
  CHECK(test.of(value(4, 4), {}).chance > 0.05);
  CHECK(test.of(value(30, 30), {}).chance < 1e-4);
  CHECK(test.of({}, value(30, 30)).chance == Approx(test.of(value(30, 30), {}).chance));
}

TEST_CASE("what was counted one by one has no noise, but little of it is left out") {
  const ChangeTest test(exact_side(1e6), exact_side(1e6), false);
  const Change change = test.of(value(5000, 1), value(7000, 1));
  CHECK(change.sigma == 0);
  CHECK(change.chance == 0);
  CHECK(test.matters(change));
  CHECK(!test.matters(test.of(value(5000, 1), value(5500, 1))));  // under 0.1 %
  CHECK(test.of(value(5000, 1), value(5000, 1)).chance == 1);
}

TEST_CASE("a sampled heap is as uncertain as its interval makes it") {
  const ComparedSide sampled{1e6, {SampleWeight::Kind::kConstant, 1000}, 1};
  const Change change = ChangeTest(sampled, sampled, false).of(value(8000, 3), value(4000, 1));
  CHECK(change.sigma == Approx(std::sqrt(6000.0 * 2000)));  // of v = 6000 the variance is v (w + w')
}

TEST_CASE("real changes among many functions are found, and told from noise") {
  std::mt19937 random(11);
  Found all;
  for (int round = 0; round < 20; ++round) {
    const Found found = find_changes(ChangeTest(side(10'000), side(11'000), false), random, 2);
    all.real += found.real;
    all.chance += found.chance;
  }
  CHECK(all.real == 200);
  CHECK(all.chance <= 20);  // 5 % of what is found
}

TEST_CASE("of two recordings of the same hardly anything is called a change") {
  std::mt19937 random(7);
  int found = 0;
  for (int round = 0; round < 100; ++round) {
    found += find_changes(ChangeTest(side(10'000), side(10'000), false), random, 1).chance;
  }
  CHECK(found <= 15);  // of 9000; at two sigma it would be 400
}

TEST_CASE("repeated recordings that differ among themselves are no change") {
  const ChangeTest test(side(10'000, 4), side(10'000, 4), false);
  // 1000 samples each: by their number alone the means differ by sqrt(1000 / 4 * 2) = 22.
  const Change calm = test.of(runs({1000, 1010, 990, 1005}), runs({1200, 1210, 1190, 1195}));
  CHECK(calm.sigma == Approx(std::sqrt(1100 * 2 / 4.0)).epsilon(0.01));
  CHECK(calm.chance < 0.001);
  const Change wild = test.of(runs({700, 1300, 1000, 1000}), runs({1500, 900, 1200, 1200}));
  CHECK(wild.change == Approx(calm.change).epsilon(0.02));
  CHECK(wild.chance > 0.1);
}

TEST_CASE("what was counted exactly varies from run to run as well") {
  const ChangeTest test(exact_side(1e6, 3), exact_side(1e6, 3), false);
  CHECK(test.of(runs({5000, 5000, 5000}), runs({7000, 7000, 7000})).chance == 0);
  CHECK(test.of(runs({3000, 7000, 5000}), runs({9000, 5000, 7000})).chance > 0.1);
}

// R: 2 * pt(-t, df)
TEST_CASE("Student's t has the tails that tables have") {
  CHECK(student_t_chance(2.776445, 4) == Approx(0.05).epsilon(1e-5));
  CHECK(student_t_chance(63.65674, 1) == Approx(0.01).epsilon(1e-5));
  CHECK(student_t_chance(1.959964, 1e7) == Approx(0.05).epsilon(1e-4));
  CHECK(student_t_chance(0, 3) == Approx(1));
  CHECK(student_t_chance(8.610302, 4) == Approx(0.001).epsilon(1e-5));
}

}  // namespace flarestack
