// SPDX-License-Identifier: Apache-2.0
#include "model/scaling_fit.h"

#include <cmath>
#include <functional>
#include <map>

#include <catch2/catch.hpp>

#include "tests/unit/model/random_noise.h"

namespace flarestack {
namespace {

const std::vector<double> kDoublings = {16, 32, 64, 128, 256, 512, 1024};

const std::map<GrowthLaw, std::function<double(double)>> kLaws = {
    {GrowthLaw::kConstant, [](double) { return 1.0; }},
    {GrowthLaw::kLogarithmic, [](double n) { return std::log2(n); }},
    {GrowthLaw::kLinear, [](double n) { return n; }},
    {GrowthLaw::kLinearithmic, [](double n) { return n * std::log2(n); }},
    {GrowthLaw::kQuadratic, [](double n) { return n * n; }},
    {GrowthLaw::kCubic, [](double n) { return n * n * n; }},
};

std::vector<CostPoint> counted(const std::vector<double>& sizes, const std::function<double(double)>& cost) {
  std::vector<CostPoint> points;
  for (const double size : sizes) points.push_back({size, cost(size), 0, 0.01});
  return points;
}

// As sampled: at `at_least` samples at the first size, with the noise of samples and some more.
std::vector<CostPoint> sampled(const std::vector<double>& sizes, const std::function<double(double)>& cost,
                               double at_first, Noise& noise) {
  std::vector<CostPoint> points;
  for (const double size : sizes) {
    const double expected = at_first * cost(size) / cost(sizes.front());
    const double got = expected * (1 + 0.02 * noise.normal()) + std::sqrt(expected) * noise.normal();
    points.push_back({size, std::max(0.0, std::round(got)), 1, 0.03});
  }
  return points;
}

TEST_CASE("each law is told from its exact costs, with a fixed cost beside it or without") {
  for (const auto& [law, cost] : kLaws) {
    for (const double fixed : {0.0, 3.0, 40.0}) {
      INFO(growth_law_name(law) << " + " << fixed);
      const ScalingFit fit = fit_scaling(counted(kDoublings, [&](double n) { return fixed + cost(n); }));
      REQUIRE(fit.verdict == ScalingVerdict::kFitted);
      CHECK(fit.best().law == law);
      CHECK(fit.is_clear());
    }
  }
  std::vector<double> few;
  for (double n = 4; n <= 16; n += 2) few.push_back(n);
  const ScalingFit fit = fit_scaling(counted(few, [](double n) { return 7 + std::pow(2, n); }));
  CHECK(fit.best().law == GrowthLaw::kExponential);
  CHECK(fit.is_clear());
  CHECK(std::exp(fit.best().rate) == Approx(2).epsilon(0.01));
}

TEST_CASE("four sizes a decade apart are enough, three are not") {
  const std::vector<double> decades = {10, 100, 1000, 10000};
  for (const auto& [law, cost] : kLaws) {
    INFO(growth_law_name(law));
    const ScalingFit fit = fit_scaling(counted(decades, cost));
    CHECK(fit.best().law == law);
    CHECK(fit.is_clear());
  }
  CHECK(fit_scaling(counted({10, 100, 1000}, kLaws.at(GrowthLaw::kLinear))).verdict == ScalingVerdict::kNotEnoughSizes);
  CHECK(fit_scaling({}).verdict == ScalingVerdict::kNotEnoughSizes);
}

TEST_CASE("through the noise of samples the law that is told is rarely wrong, and never surely so") {
  const std::vector<double> sizes = {16, 32, 64, 128, 256};
  for (const auto& [law, cost] : kLaws) {
    int best = 0;
    int likely = 0;
    int clearly_wrong = 0;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
      Noise noise{seed * 7919};
      const ScalingFit fit = fit_scaling(sampled(sizes, cost, 40, noise));
      REQUIRE(fit.verdict == ScalingVerdict::kFitted);
      best += fit.best().law == law ? 1 : 0;
      for (const GrowthLaw each : fit.likely_laws()) likely += each == law ? 1 : 0;
      clearly_wrong += fit.is_clear() && fit.best().law != law ? 1 : 0;
    }
    INFO(growth_law_name(law) << ": best " << best << ", likely " << likely << ", clearly wrong " << clearly_wrong);
    CHECK(best >= 130);
    CHECK(likely >= 190);
    CHECK(clearly_wrong <= 8);
  }
}

TEST_CASE("the exponent's interval holds it as often as it says") {
  const std::vector<double> sizes = {16, 32, 64, 128, 256};
  for (const double exponent : {0.5, 1.0, 1.5, 2.0}) {
    int held = 0;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
      Noise noise{seed * 104729};
      const ScalingFit fit = fit_scaling(sampled(
          sizes, [&](double n) { return std::pow(n, exponent); }, 60, noise));
      held += fit.exponent && fit.exponent_low <= exponent + 0.005 && exponent - 0.005 <= fit.exponent_high ? 1 : 0;
    }
    INFO(exponent);
    CHECK(held >= 180);
  }
}

TEST_CASE("too few samples get no verdict, and no pattern is called irregular") {
  Noise noise;
  CHECK(fit_scaling(sampled({16, 32, 64, 128}, kLaws.at(GrowthLaw::kLinear), 1, noise)).verdict ==
        ScalingVerdict::kTooSmall);
  CHECK(fit_scaling(counted(kDoublings, [](double) { return 0.0; })).verdict == ScalingVerdict::kTooSmall);
  CHECK(fit_scaling(counted(kDoublings, [](double n) { return n == 64 || n == 512 ? 100.0 : 1.0; })).verdict ==
        ScalingVerdict::kIrregular);
}

TEST_CASE("a buffer that doubles is linear, in steps") {
  const ScalingFit fit = fit_scaling(
      counted({100, 300, 1000, 3000, 10000, 30000}, [](double n) { return 2 * std::exp2(std::ceil(std::log2(n))); }));
  const std::vector<GrowthLaw> likely = fit.likely_laws();
  CHECK(std::find(likely.begin(), likely.end(), GrowthLaw::kLinear) != likely.end());
  CHECK(std::find(likely.begin(), likely.end(), GrowthLaw::kQuadratic) == likely.end());
  CHECK(std::find(likely.begin(), likely.end(), GrowthLaw::kConstant) == likely.end());
}

TEST_CASE("a cost is predicted by the law, with what other likely laws would say") {
  const auto cost = [](double n) { return 5 + 3 * n * n; };
  const ScalingFit fit = fit_scaling(counted(kDoublings, cost));
  const std::optional<PredictedCost> predicted = predicted_cost(fit, 10000);
  REQUIRE(predicted);
  CHECK(predicted->cost == Approx(cost(10000)).epsilon(0.01));
  CHECK(predicted->low <= predicted->cost);
  CHECK(predicted->high >= predicted->cost);
  CHECK_FALSE(predicted_cost(ScalingFit(), 10));
}

TEST_CASE("what grows worse than the whole is told, and what grows as it does is not") {
  // Of a whole with a linear and a quadratic part, which cost the same at the least size.
  const auto linear = counted(kDoublings, [](double n) { return 16 * n; });
  const auto quadratic = counted(kDoublings, [](double n) { return n * n; });
  std::vector<double> whole;
  for (size_t i = 0; i < kDoublings.size(); ++i) whole.push_back(linear[i].cost + quadratic[i].cost);
  CHECK(grows_worse(quadratic, whole));
  CHECK_FALSE(grows_worse(linear, whole));
  CHECK_FALSE(grows_worse(counted(kDoublings, [](double n) { return 0.3 * (16 * n + n * n); }), whole));
  CHECK_FALSE(grows_worse(counted(kDoublings, [](double) { return 0.0; }), whole));
}

TEST_CASE("what grows as the whole does is hardly ever called worse by the noise of samples") {
  const std::vector<double> sizes = {16, 32, 64, 128, 256};
  int worse = 0;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    Noise noise{seed * 15485863};
    std::vector<double> whole;
    for (const double size : sizes) whole.push_back(100 * size);
    worse += grows_worse(sampled(
                             sizes, [](double n) { return n; }, 30, noise),
                         whole)
                 ? 1
                 : 0;
  }
  CHECK(worse <= 10);
}

}  // namespace
}  // namespace flarestack
