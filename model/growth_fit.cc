// SPDX-License-Identifier: Apache-2.0
#include "model/growth_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace flarestack {
namespace {

constexpr size_t kParts = 8;        // of the time, whose minima are ranked
constexpr size_t kEvenPoints = 32;  // for the rate: slices of a trace are shorter at its start
constexpr double kLeastConfidence = 0.995;
constexpr double kLeastRiseBytes = 1024;
constexpr double kLeastRiseShare = 0.05;  // of the highest level
constexpr double kSlowestLate = 1.0 / 8;  // rate of the second half, of that of the first
constexpr double kFlatShare = 0.02;       // of the rise: what a flat end may still move
constexpr size_t kLeastSteps = 4;         // by which what levelled off has grown; one step is a start, not a cache

double seconds_between(int64_t from_ns, int64_t to_ns) { return static_cast<double>(to_ns - from_ns) / 1e9; }

// At `time_ns`, on the line between the points around it; `next` goes forward with the time.
double level_at(std::span<const LevelPoint> points, int64_t time_ns, size_t& next) {
  while (next + 1 < points.size() && points[next].time_ns < time_ns) ++next;
  const LevelPoint& after = points[next];
  if (next == 0 || after.time_ns <= time_ns) return after.bytes;
  const LevelPoint& before = points[next - 1];
  const double part = seconds_between(before.time_ns, time_ns) / seconds_between(before.time_ns, after.time_ns);
  return before.bytes + part * (after.bytes - before.bytes);
}

std::vector<LevelPoint> evenly_spaced(std::span<const LevelPoint> points) {
  std::vector<LevelPoint> even;
  const int64_t start_ns = points.front().time_ns;
  const int64_t length_ns = points.back().time_ns - start_ns;
  size_t next = 0;
  for (size_t i = 0; i < kEvenPoints; ++i) {
    const auto time_ns = start_ns + static_cast<int64_t>(static_cast<double>(length_ns) * static_cast<double>(i) /
                                                         static_cast<double>(kEvenPoints - 1));
    even.push_back({time_ns, level_at(points, time_ns, next)});
  }
  return even;
}

// The lowest level in each part of the time; where a part has no point, the level at its end.
std::array<double, kParts> minima_of(std::span<const LevelPoint> points) {
  std::array<double, kParts> minima{};
  const int64_t start_ns = points.front().time_ns;
  const double part_ns = static_cast<double>(points.back().time_ns - start_ns) / kParts;
  size_t at = 0;
  size_t next = 0;
  for (size_t part = 0; part < kParts; ++part) {
    const int64_t end_ns = start_ns + static_cast<int64_t>(part_ns * static_cast<double>(part + 1));
    double lowest = level_at(points, end_ns, next);
    for (; at < points.size() && (points[at].time_ns < end_ns || part + 1 == kParts); ++at) {
      lowest = std::min(lowest, points[at].bytes);
    }
    minima[part] = lowest;
  }
  return minima;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

bool keeps_growing(const std::array<double, kParts>& minima, std::span<const LevelPoint> even) {
  std::array<double, kParts> sorted = minima;
  std::sort(sorted.begin(), sorted.end());
  const auto distinct = std::unique(sorted.begin(), sorted.end()) - sorted.begin();
  if (distinct < 5 || minima[kParts - 1] <= minima[kParts - 3]) return false;
  const double early = theil_sen_slope(even.first(even.size() / 2));
  const double late = theil_sen_slope(even.last(even.size() / 2));
  return late > 0 && late >= early * kSlowestLate;
}

bool levelled_off(std::span<const LevelPoint> points, double rise_bytes) {
  const int64_t start_ns = points.front().time_ns;
  const int64_t flat_from_ns = start_ns + (points.back().time_ns - start_ns) / 2;
  double lowest = points.back().bytes;
  double highest = points.back().bytes;
  double reached = points.front().bytes;
  size_t steps = 0;
  for (const LevelPoint& point : points) {
    if (point.time_ns >= flat_from_ns) {
      lowest = std::min(lowest, point.bytes);
      highest = std::max(highest, point.bytes);
    } else if (point.bytes > reached + kFlatShare * rise_bytes) {
      reached = point.bytes;
      ++steps;
    }
  }
  return steps >= kLeastSteps && highest - lowest <= kFlatShare * rise_bytes;
}

}  // namespace

GrowthFit fit_growth(std::span<const LevelPoint> points) {
  GrowthFit fit;
  if (points.size() < kLeastGrowthPoints || points.back().time_ns - points.front().time_ns < kLeastGrowthNs) return fit;
  const std::array<double, kParts> minima = minima_of(points);
  fit.risen_bytes = points.back().bytes - points.front().bytes;
  const double highest = std::max_element(points.begin(), points.end(), [](const LevelPoint& a, const LevelPoint& b) {
                           return a.bytes < b.bytes;
                         })->bytes;
  const double least_rise = std::max(kLeastRiseBytes, kLeastRiseShare * highest);
  if (minima.back() - minima.front() >= least_rise) {
    const std::vector<LevelPoint> even = evenly_spaced(points);
    const double confidence = mann_kendall(minima);
    const double slope = theil_sen_slope(even);
    if (confidence >= kLeastConfidence && slope > 0 && keeps_growing(minima, even)) {
      fit.trend = Trend::kGrowing;
      fit.bytes_per_second = slope;
      fit.confidence = confidence;
      return fit;
    }
  }
  if (fit.risen_bytes >= least_rise && levelled_off(points, fit.risen_bytes)) fit.trend = Trend::kLevelled;
  return fit;
}

double mann_kendall(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 3) return 0;
  double score = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i + 1; j < values.size(); ++j) score += values[j] > values[i] ? 1 : values[j] < values[i] ? -1 : 0;
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  double variance = n * (n - 1) * (2 * n + 5);
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    const auto tied = static_cast<double>(end - i);
    variance -= tied * (tied - 1) * (2 * tied + 5);
    i = end;
  }
  variance /= 18;
  if (variance <= 0 || score <= 0) return score > 0 ? 1 : 0;
  return 0.5 * std::erfc(-(score - 1) / std::sqrt(2 * variance));
}

double theil_sen_slope(std::span<const LevelPoint> points) {
  std::vector<double> slopes;
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = i + 1; j < points.size(); ++j) {
      const double seconds = seconds_between(points[i].time_ns, points[j].time_ns);
      if (seconds > 0) slopes.push_back((points[j].bytes - points[i].bytes) / seconds);
    }
  }
  return slopes.empty() ? 0 : median(slopes);
}

}  // namespace flarestack
