// SPDX-License-Identifier: Apache-2.0
#include "model/change_test.h"

#include <algorithm>
#include <cmath>

namespace flarestack {
namespace {

constexpr double kFalseDiscoveries = 0.05;

// The regularized incomplete beta function's continued fraction by Lentz's method (W. Press et al., "Numerical Recipes
// in C", 2nd ed., section 6.4).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMostSteps = 300;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= kMostSteps; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-14) break;
  }
  return fraction;
}

double incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

// Of the mean of `runs`.
double variance_of_mean(const std::vector<double>& runs) {
  const auto count = static_cast<double>(runs.size());
  double mean = 0, squares = 0;
  for (const double each : runs) mean += each / count;
  for (const double each : runs) squares += (each - mean) * (each - mean);
  return squares / (count - 1) / count;
}

}  // namespace

double student_t_chance(double t, double degrees_of_freedom) {
  return incomplete_beta(degrees_of_freedom / 2, 0.5, degrees_of_freedom / (degrees_of_freedom + t * t));
}

ChangeTest::ChangeTest(const ComparedSide& base, const ComparedSide& newer, bool equal_totals, double least_share)
    : base_(base), newer_(newer), equal_totals_(equal_totals) {
  if (equal_totals && newer.total > 0 && base.total > 0) scale_ = base.total / newer.total;
  whole_ = std::max(base.total, newer.total * scale_);
  least_ = least_share * whole_;
}

double ChangeTest::one_sample(const ComparedSide& side, const MeasuredValue& value) const {
  switch (side.weight.kind) {
    case SampleWeight::Kind::kExact:
      return 0;
    case SampleWeight::Kind::kByCount:
      return value.samples > 0 ? value.value / value.samples : value.value;
    case SampleWeight::Kind::kConstant:
      return side.weight.constant;
  }
  return 0;
}

Change ChangeTest::of(const MeasuredValue& base, const MeasuredValue& newer) const {
  Change result{base.value, newer.value * scale_, 0, 0, 1};
  result.change = result.newer - result.base;
  // Of a side without samples: what one of the other's stands for.
  double weight = base.value > 0 ? one_sample(base_, base) : -1;
  double scaled_weight = newer.value > 0 ? one_sample(newer_, newer) * scale_ : -1;
  if (weight < 0) weight = std::max(scaled_weight, 0.0);
  if (scaled_weight < 0) scaled_weight = weight;
  // The mean of several recordings varies by less.
  weight /= static_cast<double>(std::max<size_t>(base_.recordings, 1));
  scaled_weight /= static_cast<double>(std::max<size_t>(newer_.recordings, 1));
  double of_samples = 0;
  if (weight > 0 || scaled_weight > 0) {
    const double samples =
        (weight > 0 ? result.base / weight : 0) + (scaled_weight > 0 ? result.newer / scaled_weight : 0);
    const double common = weight > 0 && scaled_weight > 0 ? samples / (1 / weight + 1 / scaled_weight)
                          : weight > 0                    ? result.newer
                                                          : result.base;
    const double rest = equal_totals_ && whole_ > 0 ? std::max(0.0, 1 - common / whole_) : 1;
    of_samples = common * (weight + scaled_weight) * rest;
  }
  double spread = 0;
  double degrees_of_freedom = 0;
  if (base.runs.size() > 1 && newer.runs.size() > 1) {
    const double of_base = variance_of_mean(base.runs);
    const double of_newer = variance_of_mean(newer.runs) * scale_ * scale_;
    spread = of_base + of_newer;
    // Welch and Satterthwaite; runs that all agree are as many as there are.
    degrees_of_freedom = spread == 0 ? static_cast<double>(base.runs.size() + newer.runs.size() - 2)
                                     : spread * spread /
                                           (of_base * of_base / static_cast<double>(base.runs.size() - 1) +
                                            of_newer * of_newer / static_cast<double>(newer.runs.size() - 1));
  }
  result.sigma = std::sqrt(std::max(of_samples, spread));
  if (result.sigma == 0) {
    result.chance = result.change == 0 ? 1 : weight > 0 ? 1 : 0;
    return result;
  }
  // Few samples are no bell curve: half a sample on either side is taken off.
  const double clear = std::abs(result.change) - (weight + scaled_weight) / 2;
  if (clear > 0) {
    const double sigmas = clear / result.sigma;
    result.chance = degrees_of_freedom > 0 ? student_t_chance(sigmas, degrees_of_freedom) : std::erfc(sigmas / M_SQRT2);
  }
  return result;
}

bool ChangeTest::matters(const Change& change) const { return std::abs(change.change) >= least_ && change.change != 0; }

bool ChangeTest::is_candidate(const Change& change) const {
  return std::max(change.base, change.newer) >= least_ && change.base + change.newer > 0;
}

double false_discovery_bar(std::span<const double> chances) {
  std::vector<double> sorted(chances.begin(), chances.end());
  std::sort(sorted.begin(), sorted.end());
  double bar = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] <= kFalseDiscoveries * static_cast<double>(i + 1) / static_cast<double>(sorted.size()))
      bar = sorted[i];
  }
  return std::min(bar, ChangeTest::kMostChance);
}

}  // namespace flarestack
