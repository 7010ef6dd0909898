// SPDX-License-Identifier: Apache-2.0
#include "model/growth_fit.h"

#include <cmath>
#include <functional>
#include <vector>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

// Levels at `count` equally spaced moments of a minute; `level` of the part of the time that has passed.
std::vector<LevelPoint> series(const std::function<double(double)>& level, size_t count = 64) {
  std::vector<LevelPoint> points;
  for (size_t i = 0; i < count; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(count - 1);
    points.push_back({static_cast<int64_t>(part * 60e9), level(part)});
  }
  return points;
}

// The same from 0 to 1 at each call.
struct Noise {
  uint64_t state = 1;
  double operator()() {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state >> 40) / static_cast<double>(1 << 24);
  }
};

constexpr double kMiB = 1 << 20;

TEST_CASE("a series that grows is growing, at its rate") {
  const GrowthFit fit = fit_growth(series([](double part) { return 60 * kMiB * part; }));
  CHECK(fit.trend == Trend::kGrowing);
  CHECK(fit.bytes_per_second == Approx(kMiB));
  CHECK(fit.confidence > 0.999);
}

TEST_CASE("growth shows through noise, through a sawtooth and beside a large constant part") {
  Noise noise;
  const GrowthFit noisy = fit_growth(series([&](double part) { return 60 * kMiB * part + 10 * kMiB * noise(); }));
  CHECK(noisy.trend == Trend::kGrowing);
  CHECK(noisy.bytes_per_second == Approx(kMiB).epsilon(0.15));
  const auto teeth = [](double part) { return 60 * kMiB * part + 20 * kMiB * std::fmod(part * 20, 1.0); };
  const GrowthFit saw = fit_growth(series(teeth, 200));
  CHECK(saw.trend == Trend::kGrowing);
  CHECK(saw.bytes_per_second == Approx(kMiB).epsilon(0.15));
  CHECK(fit_growth(series([](double part) { return 100 * kMiB + 20 * kMiB * part; })).trend == Trend::kGrowing);
}

TEST_CASE("a series that levels off is told apart") {
  CHECK(fit_growth(series([](double part) { return kMiB * std::min(1.0, part * 4); })).trend == Trend::kLevelled);
  CHECK(fit_growth(series([](double part) { return kMiB * (1 - std::exp(-30 * part)); })).trend == Trend::kLevelled);
}

TEST_CASE("what comes back to where it was does not grow") {
  CHECK(fit_growth(series([](double) { return kMiB; })).trend == Trend::kNone);
  CHECK(fit_growth(series([](double) { return 0.0; })).trend == Trend::kNone);
  for (const double teeth : {1.5, 2.0, 3.0, 7.0, 31.0}) {
    INFO(teeth);
    CHECK(fit_growth(series([&](double part) { return kMiB * std::fmod(part * teeth, 1.0); }, 200)).trend ==
          Trend::kNone);
  }
  CHECK(fit_growth(series([](double part) { return kMiB * (1 - part); })).trend == Trend::kNone);
}

TEST_CASE("one step, wherever it is, is neither growth nor a cache") {
  for (const double at : {0.02, 0.2, 0.5, 0.8, 0.98}) {
    INFO(at);
    CHECK(fit_growth(series([&](double part) { return part < at ? 0 : kMiB; })).trend == Trend::kNone);
  }
  CHECK(fit_growth(series([&](double part) {
          return part < 0.4 ? 0 : part < 0.6 ? kMiB : 2 * kMiB;
        })).trend == Trend::kNone);
}

TEST_CASE("noise alone is rarely taken for growth") {
  int growing = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Noise noise{seed * 7919};
    growing += fit_growth(series([&](double) { return kMiB * (10 + noise()); })).trend == Trend::kGrowing ? 1 : 0;
  }
  CHECK(growing <= 10);
}

TEST_CASE("too few points, too short a time and too little growth say nothing") {
  const auto line = [](double part) { return 60 * kMiB * part; };
  CHECK(fit_growth(series(line, kLeastGrowthPoints)).trend == Trend::kGrowing);
  CHECK(fit_growth(series(line, kLeastGrowthPoints - 1)).trend == Trend::kNone);
  std::vector<LevelPoint> shorter = series(line);
  for (LevelPoint& point : shorter) point.time_ns /= 20;
  CHECK(fit_growth(shorter).trend == Trend::kNone);
  CHECK(fit_growth(series([](double part) { return 600 * part; })).trend == Trend::kNone);
  CHECK(fit_growth({}).trend == Trend::kNone);
}

TEST_CASE("slices that are shorter at the start weigh by their time") {
  std::vector<LevelPoint> points;
  for (int64_t length_ns = 10'000'000, time_ns = 0; time_ns < 600'000'000'000; length_ns *= 2) {
    for (int i = 0; i < 16; ++i) points.push_back({time_ns += length_ns, static_cast<double>(time_ns) / 1e9 * 1000});
  }
  const GrowthFit fit = fit_growth(points);
  CHECK(fit.trend == Trend::kGrowing);
  CHECK(fit.bytes_per_second == Approx(1000).epsilon(0.02));
}

TEST_CASE("the rank test and the slope are those of the books") {
  // Gilbert 1987, section 16.4.1: n = 10 without ties has variance 125.
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 10, 9};
  CHECK(mann_kendall(values) == Approx(0.5 * std::erfc(-(43 - 1) / std::sqrt(2 * 125.0))));
  CHECK(mann_kendall(std::vector<double>{3, 2, 1}) == 0);
  CHECK(mann_kendall(std::vector<double>{1, 1, 1, 1}) == 0);
  // An outlier does not bend the median.
  CHECK(theil_sen_slope(std::vector<LevelPoint>{
            {0, 0}, {1'000'000'000, 1}, {2'000'000'000, 2}, {3'000'000'000, 900}, {4'000'000'000, 4}}) ==
        Approx(1).epsilon(0.01));
}

}  // namespace
}  // namespace flarestack
