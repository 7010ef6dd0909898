// SPDX-License-Identifier: Apache-2.0
// What repeated runs of one thing say together, and whether two such samples differ. Offline side.
//
// Times of runs are skewed and have outliers, so what is decided is decided by ranks: the interval of the median by
// order statistics (W. J. Conover, "Practical Nonparametric Statistics", 3rd ed., section 3.2), the test of Mann and
// Whitney, and for the ratio of two the estimate of Hodges and Lehmann with Moses' interval, which goes with that test
// (M. Hollander and D. A. Wolfe, "Nonparametric Statistical Methods", 2nd ed., section 4.3): it leaves out 1 where the
// test says that there is a difference. Mean and standard deviation are told besides, as other tools do.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace flarestack {

// Of values in any order, at least one.
double mean_of(std::span<const double> values);
double median_of(std::span<const double> values);
// Of a sample (n - 1); 0 for one value.
double deviation_of(std::span<const double> values);
// `part` from 0 to 1; between two values on the line between them (Hyndman and Fan's type 7, as numpy and R do).
double quantile_of(std::span<const double> values, double part);

struct Interval {
  double low = 0;
  double high = 0;
  double confidence = 0;  // with which it holds; may be less than was asked for where there are few values
};
// From one of the values to another; at least with `confidence` where there are enough of them (6 for 95 %), else from
// the least to the greatest.
Interval median_interval(std::span<const double> values, double confidence = 0.95);

// Which values are further from the median than 14.826 times the median distance, which is ten standard deviations
// where values are normal: the modified z-score (B. Iglewicz and D. Hoaglin, "How to detect and handle outliers", 1993)
// with the threshold that hyperfine has. None where more than half of the values are equal.
std::vector<size_t> outliers_of(std::span<const double> values);

struct RunStatistics {
  size_t runs = 0;
  double mean = 0;
  double deviation = 0;
  double median = 0;
  double least = 0;
  double greatest = 0;
  double first_quartile = 0;
  double third_quartile = 0;
  Interval interval;  // of the median
  std::vector<size_t> outliers;
};
RunStatistics run_statistics(std::span<const double> values);  // all 0 where there are none

// The distance from its mean, in standard deviations, that a normal value exceeds, on either side, with this chance.
double normal_bound(double chance);

// The two-sided p-value of the Mann-Whitney U test: how often samples of one distribution would be at least as far
// apart as these. Exact with ties or without for up to 50 values in all; beyond, the normal approximation with
// corrections for ties and continuity. 1 where one is empty.
double mann_whitney(std::span<const double> a, std::span<const double> b);

struct RatioEstimate {
  double ratio = 1;   // the median of all a / b
  Interval interval;  // of it
  double p = 1;       // mann_whitney()
};
// Of positive values. Where there is a value that is not, or none, the ratio is 1 and its interval has no confidence.
RatioEstimate ratio_estimate(std::span<const double> a, std::span<const double> b, double confidence = 0.95);

}  // namespace flarestack
