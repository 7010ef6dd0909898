// SPDX-License-Identifier: Apache-2.0
// GrowthFit: whether a series of live bytes over time grows, and how fast. Offline side.
//
// Rate: Theil-Sen, the median of the slopes of all pairs of points (P. K. Sen, "Estimates of the regression coefficient
// based on Kendall's tau", JASA 63, 1968): a burst or a dip does not bend it. Confidence: the one-sided Mann-Kendall
// rank test with the correction for ties (H. B. Mann, "Nonparametric tests against trend", Econometrica 13, 1945;
// R. O. Gilbert, "Statistical Methods for Environmental Pollution Monitoring", 1987, chapter 16), made on the minima of
// equal parts of the time instead of on the points: live bytes of neighbouring moments depend on each other, and a
// program that fills and empties the same buffers again and again comes back to the same minima, while a leak does not.
#pragma once

#include <cstdint>
#include <span>

namespace flarestack {

struct LevelPoint {
  int64_t time_ns = 0;
  double bytes = 0;
};

enum class Trend : uint8_t {
  kNone,      // neither, or too little is known
  kGrowing,   // to the end, and no more slowly there than an eighth of the rate before
  kLevelled,  // it grew in several steps and then did no more
};

struct GrowthFit {
  Trend trend = Trend::kNone;
  double bytes_per_second = 0;  // kGrowing
  double confidence = 0;        // kGrowing: 1 - p of the rank test; at most 0.999 is worth telling
  double risen_bytes = 0;       // from the first point to the last
};

// Too little: fewer points, or less time between the first and the last of them.
inline constexpr size_t kLeastGrowthPoints = 12;
inline constexpr int64_t kLeastGrowthNs = 5'000'000'000;

// `points` ascending in time. They need not be equally far apart.
GrowthFit fit_growth(std::span<const LevelPoint> points);

// Of values in order: the probability that so many ascents come by chance is 1 - mann_kendall().
double mann_kendall(std::span<const double> values);
double theil_sen_slope(std::span<const LevelPoint> points);  // bytes per second

}  // namespace flarestack
