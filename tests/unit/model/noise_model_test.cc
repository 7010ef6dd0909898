// SPDX-License-Identifier: Apache-2.0
#include "model/noise_model.h"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

std::vector<std::vector<double>> sessions_of(const std::vector<double>& least) {
  std::vector<std::vector<double>> sessions;
  for (const double value : least) sessions.push_back({value, value * 1.01, value * 1.02, value * 1.5});
  return sessions;
}

TEST_CASE("Student's quantiles are those of the tables") {
  CHECK(student_quantile(0.99, 1) == Approx(31.8205).epsilon(1e-4));
  CHECK(student_quantile(0.99, 2) == Approx(6.96456).epsilon(1e-4));
  CHECK(student_quantile(0.99, 4) == Approx(3.74695).epsilon(1e-3));
  CHECK(student_quantile(0.99, 9) == Approx(2.82144).epsilon(1e-3));
  CHECK(student_quantile(0.999, 29) == Approx(3.39624).epsilon(1e-3));
  CHECK(student_quantile(0.99, 1000) == Approx(2.33008).epsilon(1e-3));
}

TEST_CASE("where a metric is always the same, anything above it is a change") {
  const Expectation expectation = expect(std::vector<std::vector<double>>{{800}, {800}}, std::vector<double>{801});
  CHECK(expectation.value == 800);
  CHECK(expectation.upper == 800);
}

TEST_CASE("one session allows for what sessions differ by") {
  const Expectation expectation = expect(sessions_of({100}), std::vector<double>{100, 101, 102, 150});
  CHECK(expectation.sessions == 1);
  CHECK(expectation.value == 100);
  CHECK(expectation.upper > 102);
  CHECK(expectation.upper < 110);
}

TEST_CASE("a disturbed session moves neither the value nor the bound") {
  const std::vector<double> runs = {100, 101, 102, 150};
  const Expectation calm = expect(sessions_of({100, 101, 99, 100, 101, 99, 100, 101}), runs);
  const Expectation disturbed = expect(sessions_of({100, 101, 99, 100, 400, 99, 100, 101}), runs);
  CHECK(disturbed.value == Approx(calm.value).epsilon(0.01));
  CHECK(disturbed.upper < 110);
}

TEST_CASE("a drift is carried on") {
  std::vector<double> drifting;
  for (int i = 0; i < 20; ++i) drifting.push_back(100 + i + (i % 2) * 0.2);
  const Expectation expectation = expect(sessions_of(drifting), std::vector<double>{120});
  CHECK(expectation.drift == Approx(1).epsilon(0.05));
  CHECK(expectation.value == Approx(120).epsilon(0.01));
}

TEST_CASE("an unchanged program is above the bound as often as it says") {
  std::mt19937 random(7);
  std::normal_distribution<double> normal(100, 1);
  int above = 0;
  constexpr int kTrials = 3000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::vector<double>> sessions;
    for (int i = 0; i < 15; ++i) sessions.push_back({normal(random)});
    const double value = normal(random);
    above += value > expect(sessions, std::vector<double>{value}).upper ? 1 : 0;
  }
  CHECK(above < kTrials * 0.03);  // 0.01 where the deviation were known; it is told from 15 by their median distance
  CHECK(above > 0);
}

TEST_CASE("with five sessions a tenth more is told from noise of a fiftieth") {
  std::mt19937 random(7);
  std::normal_distribution<double> normal(100, 2);
  const auto session = [&](double more) {
    const double least = normal(random) * more;
    return std::vector<double>{least, least * 1.002, least * 1.004, least * 1.01};
  };
  int false_alarms = 0;
  int found = 0;
  constexpr int kTrials = 2000;
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::vector<std::vector<double>> sessions = {session(1), session(1), session(1), session(1), session(1)};
    const std::vector<double> same = session(1);
    const std::vector<double> slower = session(1.1);
    false_alarms += least_of(same) > expect(sessions, same).upper ? 1 : 0;
    found += least_of(slower) > expect(sessions, slower).upper ? 1 : 0;
  }
  CHECK(false_alarms < kTrials * 0.06);  // the gate then measures again
  CHECK(found > kTrials * 0.9);
}

TEST_CASE("nothing is expected of what was never measured") { CHECK(expect({}, std::vector<double>{1}).sessions == 0); }

}  // namespace
}  // namespace flarestack
