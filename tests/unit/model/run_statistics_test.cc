// SPDX-License-Identifier: Apache-2.0
// Known values are those of numpy 1.24 and scipy 1.10.1 (stats.mannwhitneyu, stats.binom), or counted by enumeration.
#include "model/run_statistics.h"

#include <cmath>
#include <cstdint>

#include <catch2/catch.hpp>

#include "tests/unit/model/random_noise.h"

namespace flarestack {
namespace {

const std::vector<double> kMixed = {3.1, 2.7, 9.4, 3.3, 2.9, 3.0, 3.6, 2.8};

TEST_CASE("mean, median, deviation and quantiles are numpy's") {
  const RunStatistics statistics = run_statistics(kMixed);
  CHECK(statistics.runs == 8);
  CHECK(statistics.mean == Approx(3.85));
  CHECK(statistics.median == Approx(3.05));
  CHECK(statistics.deviation == Approx(2.2608468704068776));
  CHECK(statistics.first_quartile == Approx(2.875));
  CHECK(statistics.third_quartile == Approx(3.375));
  CHECK(quantile_of(kMixed, 0.1) == Approx(2.77));
  CHECK(statistics.least == 2.7);
  CHECK(statistics.greatest == 9.4);
  CHECK(run_statistics({}).runs == 0);
  const std::vector<double> one = {5};
  CHECK(run_statistics(one).median == 5);
  CHECK(deviation_of(one) == 0);
}

TEST_CASE("the interval of the median goes from rank to rank, as the binomial distribution has it") {
  // n = 8: only the extremes are left out at 95 %, P(B <= 0) = 0.00390625.
  const Interval eight = median_interval(kMixed);
  CHECK(eight.low == 2.7);
  CHECK(eight.high == 9.4);
  CHECK(eight.confidence == Approx(1 - 2 * 0.00390625));
  std::vector<double> values;
  for (int i = 1; i <= 30; ++i) values.push_back(i);
  // P(B <= 9) = 0.0214 of n = 30 is within a tail of 2.5 %, so ranks 10 to 21 are kept.
  const Interval thirty = median_interval(values);
  CHECK(thirty.low == 10);
  CHECK(thirty.high == 21);
  CHECK(thirty.confidence == Approx(1 - 2 * 0.021386972628533847));
  // Five values cannot hold the median with more than 1 - 2 / 32.
  CHECK(median_interval(std::vector<double>{1, 2, 3, 4, 5}).confidence == Approx(1 - 2 * 0.03125));
  CHECK(median_interval(std::vector<double>{7}).confidence == 0);
}

TEST_CASE("an interval of the median holds it as often as it says") {
  int held = 0;
  Noise noise;
  for (int i = 0; i < 2000; ++i) {
    const Interval interval = median_interval(noise.sample(12, 100, 5));
    held += interval.low <= 100 && 100 <= interval.high ? 1 : 0;
  }
  CHECK(held >= 1900);  // 96.1 % of 2000 is 1923, with a deviation of 9
  CHECK(held <= 1960);
}

TEST_CASE("an outlier is far from what is usual, not merely the furthest") {
  CHECK(outliers_of(kMixed) == std::vector<size_t>{2});
  CHECK(outliers_of(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}).empty());
  CHECK(outliers_of(std::vector<double>{4, 4, 4, 4, 9}).empty());
  CHECK(outliers_of({}).empty());
}

TEST_CASE("the test of Mann and Whitney is exact for few values, ties included") {
  const std::vector<double> a = {12.1, 11.8, 12.6, 12.0, 11.9, 13.1, 12.2};
  const std::vector<double> b = {12.9, 13.4, 12.7, 13.0, 13.6, 12.8};
  CHECK(mann_whitney(a, b) == Approx(0.013986013986013986));
  CHECK(mann_whitney(b, a) == Approx(0.013986013986013986));
  // Of the 1716 ways to choose six of these thirteen, by enumeration.
  CHECK(mann_whitney(std::vector<double>{1, 2, 2, 3, 3, 5}, std::vector<double>{2, 3, 4, 5, 5, 6, 7}) ==
        Approx(0.0780885780885781));
  CHECK(mann_whitney(std::vector<double>{1, 2, 3}, std::vector<double>{4, 5, 6}) == Approx(0.1));
  CHECK(mann_whitney(a, a) == 1);
  CHECK(mann_whitney(a, {}) == 1);
  CHECK(mann_whitney(std::vector<double>{3, 3, 3}, std::vector<double>{3, 3}) == 1);
}

TEST_CASE("the test of Mann and Whitney is approximated for many values, ties and continuity corrected") {
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i < 30; ++i) x.push_back(100 + (i * 37) % 41);
  for (int i = 0; i < 35; ++i) y.push_back(104 + (i * 53) % 43);
  CHECK(mann_whitney(x, y) == Approx(0.10265952888733848));
  CHECK(mann_whitney(std::vector<double>(40, 1.0), std::vector<double>(40, 1.0)) == 1);
}

TEST_CASE("a ratio is that of the medians, and its interval leaves out 1 exactly where the test finds a difference") {
  Noise noise;
  const RatioEstimate estimate = ratio_estimate(noise.sample(20, 123, 2), noise.sample(20, 100, 2));
  CHECK(estimate.ratio == Approx(1.23).epsilon(0.01));
  CHECK(estimate.interval.low > 1.20);
  CHECK(estimate.interval.high < 1.26);
  CHECK(estimate.interval.confidence >= 0.95);
  CHECK(estimate.interval.confidence < 0.96);
  int agree = 0;
  int found = 0;
  for (int i = 0; i < 400; ++i) {
    const RatioEstimate near = ratio_estimate(noise.sample(10, 100, 5), noise.sample(11, 104, 5));
    const bool leaves_out = near.interval.low > 1 || near.interval.high < 1;
    agree += leaves_out == (near.p <= 0.05) ? 1 : 0;
    found += leaves_out ? 1 : 0;
  }
  CHECK(agree == 400);
  CHECK(found > 100);
  CHECK(found < 300);
}

TEST_CASE("a ratio's interval holds it as often as it says, for few values and many") {
  for (const size_t count : {8U, 40U}) {
    Noise noise;
    int held = 0;
    for (int i = 0; i < 1000; ++i) {
      const Interval interval = ratio_estimate(noise.sample(count, 110, 3), noise.sample(count, 100, 3)).interval;
      held += interval.low <= 1.1 && 1.1 <= interval.high ? 1 : 0;
    }
    INFO(count);
    CHECK(held >= 930);
    CHECK(held <= 980);
  }
}

TEST_CASE("too few values for an interval say so, and no ratio is made of what is not positive") {
  const RatioEstimate few = ratio_estimate(std::vector<double>{2, 2.2}, std::vector<double>{1, 1.1});
  CHECK(few.ratio == Approx(2).epsilon(0.1));
  CHECK(few.interval.confidence == Approx(1 - 2.0 / 6));
  CHECK(ratio_estimate(std::vector<double>{0, 1}, std::vector<double>{1, 1}).interval.confidence == 0);
  CHECK(ratio_estimate({}, {}).ratio == 1);
}

}  // namespace
}  // namespace flarestack
