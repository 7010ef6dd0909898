// SPDX-License-Identifier: Apache-2.0
#include "model/noise_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

// G. W. Hill, "Algorithm 396: Student's t-quantiles", CACM 13, 1970; exact for one and two degrees of freedom.
double student_quantile(double probability, double degrees) {
  const double two_tailed = 2 * (1 - probability);
  const double half_pi = std::numbers::pi / 2;
  if (degrees < 1.5) return std::cos(two_tailed * half_pi) / std::sin(two_tailed * half_pi);
  if (degrees < 2.5) return std::sqrt(2 / (two_tailed * (2 - two_tailed)) - 2);
  const double a = 1 / (degrees - 0.5);
  const double b = 48 / (a * a);
  double c = ((20700 * a / b - 98) * a - 16) * a + 96.36;
  const double d = ((94.5 / (b + c) - 3) / b + 1) * std::sqrt(a * half_pi) * degrees;
  double y = std::pow(d * two_tailed, 2 / degrees);
  if (y > 0.05 + a) {
    // The normal quantile by Abramowitz and Stegun's formula 26.2.23.
    const double t = std::sqrt(-2 * std::log(two_tailed / 2));
    const double x =
        -(t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
    y = x * x;
    if (degrees < 5) c += 0.3 * (degrees - 4.5) * (x + 0.6);
    c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = std::expm1(a * y * y);
  } else {
    y = ((1 / (((degrees + 6) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2) * 3) + 0.5 / (degrees + 4)) * y -
         1) *
            (degrees + 1) / (degrees + 2) +
        1 / y;
  }
  return std::sqrt(degrees * y);
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
