// SPDX-License-Identifier: Apache-2.0
#include "model/noise_model.h"

#include <algorithm>
#include <cmath>

#include "model/change_test.h"
#include "model/growth_fit.h"
#include "model/run_statistics.h"

namespace flarestack {
namespace {

constexpr double kMadToDeviation = 1.4826;  // of normal values
constexpr double kDriftConfidence = 0.99;
constexpr size_t kLeastDriftSessions = 8;
constexpr double kManyDegrees = 1000;  // Student's distribution is the normal one

double median_distance(std::span<const double> values, double centre) {
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - centre));
  return median_of(distances);
}

// How far the least of so many runs may be from the least there could be: where what disturbs a run adds to it by an
// exponential distribution, its mean divided by the number of runs; the mean by the distribution's lower quartile.
double run_deviation(std::span<const double> runs) {
  constexpr double kLowerQuartile = 0.28768;  // ln(4 / 3), in means
  return (quantile_of(runs, 0.25) - least_of(runs)) / kLowerQuartile / static_cast<double>(runs.size());
}

struct Line {
  double at_next = 0;
  double slope = 0;
  double deviation = 0;
};

// Through the sessions' values.
Line fit_line(std::span<const double> values) {
  Line line;
  const double confidence = mann_kendall(values);
  std::vector<double> falling(values.begin(), values.end());
  for (double& value : falling) value = -value;
  const bool drifts =
      values.size() >= kLeastDriftSessions && std::max(confidence, mann_kendall(falling)) >= kDriftConfidence;
  if (drifts) {
    std::vector<LevelPoint> points;  // a session each second: the slope is that of a session
    for (size_t i = 0; i < values.size(); ++i) points.push_back({static_cast<int64_t>(i) * 1'000'000'000, values[i]});
    line.slope = theil_sen_slope(points);
  }
  std::vector<double> levels;
  for (size_t i = 0; i < values.size(); ++i) levels.push_back(values[i] - line.slope * static_cast<double>(i));
  const double level = median_of(levels);
  line.at_next = level + line.slope * static_cast<double>(values.size());
  const double size = static_cast<double>(values.size());
  // Without the factor the deviation of few values comes out too small (Rousseeuw and Croux, section 4).
  line.deviation = kMadToDeviation * size / (size - 0.8) * median_distance(levels, level);
  return line;
}

}  // namespace

// The inverse of student_t_chance(), by bisection.
double student_quantile(double probability, double degrees) {
  const double chance = 2 * (1 - probability);
  double low = 0;
  double high = 1;
  while (student_t_chance(high, degrees) > chance) high *= 2;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (student_t_chance(middle, degrees) > chance ? low : high) = middle;
  }
  return high;
}

double least_of(std::span<const double> values) { return values.empty() ? 0 : *std::ranges::min_element(values); }

Expectation expect(std::span<const std::vector<double>> sessions, std::span<const double> runs,
                   double above_bound_rate) {
  Expectation expectation;
  expectation.sessions = sessions.size();
  if (sessions.empty() || runs.empty()) return expectation;
  std::vector<double> values;
  std::vector<double> deviations;
  for (const std::vector<double>& session : sessions) {
    values.push_back(least_of(session));
    deviations.push_back(run_deviation(session));
  }
  const double earlier = median_of(deviations);
  const double own = run_deviation(runs);
  const auto count = static_cast<double>(sessions.size());
  double variance = own * own + earlier * earlier;
  double degrees = kManyDegrees;
  if (sessions.size() >= kLeastSessions) {
    const Line line = fit_line(values);
    expectation.value = line.at_next;
    expectation.drift = line.slope;
    const bool is_noisy = variance != 0;  // its runs differ
    const double told = count - (line.slope != 0 ? 2 : 1);
    const double presumed = is_noisy ? kNoiseDegrees : 0;
    const double presumed_deviation = kSessionNoise * expectation.value;
    degrees = told + presumed;
    variance = (told * line.deviation * line.deviation + presumed * presumed_deviation * presumed_deviation) / degrees *
               (1 + 1 / count);
  } else {
    expectation.value = median_of(values);
    const double between = variance == 0 ? 0 : kSessionNoise * expectation.value;
    variance += between * between * (1 + 1 / count);
  }
  expectation.upper = expectation.value + student_quantile(1 - above_bound_rate, degrees) * std::sqrt(variance);
  return expectation;
}

}  // namespace flarestack
