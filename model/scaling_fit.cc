// SPDX-License-Identifier: Apache-2.0
#include "model/scaling_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flarestack {
namespace {

constexpr double kLikely = 0.1;           // of the weight of the best law
constexpr double kLeastQuanta = 20;       // samples at the size that has most
constexpr double kIrregularError = 0.35;  // typical distance from the best law, of the cost
constexpr double kChiSquared95 = 3.841;   // one degree of freedom
constexpr double kChiSquared999 = 10.828;
constexpr double kGreatestExponent = 8;
constexpr double kExponentStep = 0.01;

double variance_at(const CostPoint& point, double modelled) {
  const double expected = std::max({point.cost, modelled, point.quantum});
  const double relative = point.relative_error * point.cost;
  const double variance = point.quantum * expected + relative * relative;
  return variance > 0 ? variance : 1e-12;  // nothing was counted, and surely so
}

// More than noise, at one size at least.
bool is_seen(std::span<const CostPoint> points) {
  return std::ranges::any_of(
      points, [](const CostPoint& point) { return point.cost > 0 && point.cost >= kLeastQuanta * point.quantum; });
}

struct Line {
  double offset = 0;
  double factor = 0;
  double misfit = 0;
};

// cost = offset + factor * g, neither negative. Two passes: the variance of what was expected to be sampled is known
// once there is something to expect.
Line fit_line(std::span<const CostPoint> points, std::span<const double> g) {
  Line line;
  for (int pass = 0; pass < 2; ++pass) {
    double w = 0, wg = 0, wgg = 0, wy = 0, wgy = 0;
    std::vector<double> weights;
    for (size_t i = 0; i < points.size(); ++i) {
      const double modelled = pass == 0 ? 0 : line.offset + line.factor * g[i];
      const double weight = 1 / variance_at(points[i], modelled);
      weights.push_back(weight);
      w += weight;
      wg += weight * g[i];
      wgg += weight * g[i] * g[i];
      wy += weight * points[i].cost;
      wgy += weight * g[i] * points[i].cost;
    }
    const double determinant = w * wgg - wg * wg;
    line.factor = determinant > 1e-12 * w * wgg ? (w * wgy - wg * wy) / determinant : 0;
    line.offset = (wy - line.factor * wg) / w;
    if (line.factor <= 0) {
      line.factor = 0;
      line.offset = wy / w;
    } else if (line.offset < 0) {
      line.offset = 0;
      line.factor = wgy / wgg;
    }
    line.misfit = 0;
    for (size_t i = 0; i < points.size(); ++i) {
      const double distance = points[i].cost - line.offset - line.factor * g[i];
      line.misfit += weights[i] * distance * distance;
    }
  }
  return line;
}

double growth(GrowthLaw law, double size) {
  switch (law) {
    case GrowthLaw::kConstant:
    case GrowthLaw::kExponential:
      return 0;
    case GrowthLaw::kLogarithmic:
      return std::log2(std::max(size, 1.0));
    case GrowthLaw::kLinear:
      return size;
    case GrowthLaw::kLinearithmic:
      return size * std::log2(std::max(size, 1.0));
    case GrowthLaw::kQuadratic:
      return size * size;
    case GrowthLaw::kCubic:
      return size * size * size;
  }
  return 0;
}

template <typename Growth>
Line fit_growth_of(std::span<const CostPoint> points, const Growth& growth_at) {
  std::vector<double> g;
  for (const CostPoint& point : points) g.push_back(growth_at(point.size));
  return fit_line(points, g);
}

// The rate by steps, then ever smaller ones: the misfit has one valley, or flat ends.
FittedLaw fit_exponential(std::span<const CostPoint> points) {
  const double greatest = points.back().size;
  const double span = greatest - points.front().size;
  const auto with_rate = [&](double rate) {
    return fit_growth_of(points, [&](double size) { return std::exp(rate * (size - greatest)); });
  };
  double best_rate = 0;
  double least = std::numeric_limits<double>::infinity();
  double step = 1.1;
  double from = 0.5 / span;
  double to = 200 / span;
  for (int round = 0; round < 4; ++round) {
    for (double rate = from; rate <= to; rate *= step) {
      const double misfit = with_rate(rate).misfit;
      if (misfit >= least) continue;
      least = misfit;
      best_rate = rate;
    }
    from = best_rate / step;
    to = best_rate * step;
    step = 1 + (step - 1) / 8;
  }
  const Line line = with_rate(best_rate);
  return {GrowthLaw::kExponential, line.offset, line.factor, best_rate, line.misfit, 0};
}

double parameters_of(GrowthLaw law) { return law == GrowthLaw::kConstant ? 1 : law == GrowthLaw::kExponential ? 3 : 2; }

std::vector<FittedLaw> fit_laws(std::span<const CostPoint> points) {
  std::vector<FittedLaw> laws;
  for (size_t i = 0; i + 1 < kGrowthLaws; ++i) {
    const auto law = static_cast<GrowthLaw>(i);
    const Line line = fit_growth_of(points, [&](double size) { return growth(law, size); });
    laws.push_back({law, line.offset, line.factor, 0, line.misfit, 0});
  }
  laws.push_back(fit_exponential(points));
  return laws;
}

// Of the least misfit to its degrees of freedom: 1 where the variances explain it.
double excess_scatter(std::span<const FittedLaw> laws, double points) {
  double least = std::numeric_limits<double>::infinity();
  for (const FittedLaw& law : laws) {
    const double freedom = points - parameters_of(law.law);
    if (freedom > 0) least = std::min(least, law.misfit / freedom);
  }
  return std::max(least, 1.0);
}

void weigh(std::vector<FittedLaw>& laws, double scatter) {
  std::vector<double> criteria;
  for (const FittedLaw& law : laws) criteria.push_back(law.misfit / scatter + 2 * parameters_of(law.law));
  const double least = *std::ranges::min_element(criteria);
  // A law that is no better than a constant is a constant with next to no slope.
  const double constant = criteria.front();
  double sum = 0;
  for (size_t i = 0; i < laws.size(); ++i)
    sum += laws[i].weight = i > 0 && criteria[i] >= constant ? 0 : std::exp(-(criteria[i] - least) / 2);
  for (FittedLaw& law : laws) law.weight /= sum;
  std::stable_sort(laws.begin(), laws.end(),
                   [](const FittedLaw& a, const FittedLaw& b) { return a.weight > b.weight; });
}

void fit_exponent(std::span<const CostPoint> points, double scatter, ScalingFit& fit) {
  std::vector<double> misfits;
  const double greatest = points.back().size;
  for (double p = 0; p <= kGreatestExponent; p += kExponentStep)
    misfits.push_back(fit_growth_of(points, [&](double size) { return std::pow(size / greatest, p); }).misfit);
  const auto least = std::ranges::min_element(misfits);
  // With an exponent of 0 the line has no slope, and what is within the bound there does not grow surely.
  const double bound = *least + kChiSquared95 * std::max(scatter, 1.0);
  const auto within = [&](double misfit) { return misfit <= bound; };
  const auto first = std::ranges::find_if(misfits, within);
  const auto last = std::find_if(misfits.rbegin(), misfits.rend(), within);
  const auto exponent_of = [&](auto at) { return static_cast<double>(at - misfits.begin()) * kExponentStep; };
  fit.exponent = exponent_of(least);
  fit.exponent_low = exponent_of(first);
  fit.exponent_high = exponent_of(last.base() - 1);
}

// Typically, where there is a cost at all.
double relative_distance(std::span<const CostPoint> points, const FittedLaw& law) {
  double squares = 0;
  double counted = 0;
  for (const CostPoint& point : points) {
    const double cost = cost_by(law, points.back().size, point.size);
    if (std::max(cost, point.cost) < kLeastQuanta * point.quantum || std::max(cost, point.cost) <= 0) continue;
    const double distance = (point.cost - cost) / std::max(cost, point.cost);
    squares += distance * distance;
    ++counted;
  }
  return counted == 0 ? 0 : std::sqrt(squares / counted);
}

}  // namespace

const char* growth_law_name(GrowthLaw law) {
  switch (law) {
    case GrowthLaw::kConstant:
      return "constant";
    case GrowthLaw::kLogarithmic:
      return "log n";
    case GrowthLaw::kLinear:
      return "n";
    case GrowthLaw::kLinearithmic:
      return "n log n";
    case GrowthLaw::kQuadratic:
      return "n^2";
    case GrowthLaw::kCubic:
      return "n^3";
    case GrowthLaw::kExponential:
      return "exponential";
  }
  return "";
}

bool ScalingFit::is_clear() const { return verdict == ScalingVerdict::kFitted && likely_laws().size() == 1; }

std::vector<GrowthLaw> ScalingFit::likely_laws() const {
  std::vector<GrowthLaw> likely;
  for (const FittedLaw& law : laws) {
    if (law.weight >= kLikely * best().weight) likely.push_back(law.law);
  }
  std::ranges::sort(likely);
  return likely;
}

double cost_by(const FittedLaw& law, double greatest_size, double size) {
  const double grown =
      law.law == GrowthLaw::kExponential ? std::exp(law.rate * (size - greatest_size)) : growth(law.law, size);
  return law.offset + law.factor * grown;
}

ScalingFit fit_scaling(std::span<const CostPoint> points) {
  ScalingFit fit;
  if (points.empty()) return fit;
  fit.greatest_size = points.back().size;
  const bool is_seen = std::ranges::any_of(
      points, [](const CostPoint& point) { return point.cost > 0 && point.cost >= kLeastQuanta * point.quantum; });
  if (!is_seen) {
    fit.verdict = ScalingVerdict::kTooSmall;
    return fit;
  }
  if (points.size() < kLeastSizes) return fit;
  fit.laws = fit_laws(points);
  const double scatter = excess_scatter(fit.laws, static_cast<double>(points.size()));
  weigh(fit.laws, scatter);
  fit.verdict =
      relative_distance(points, fit.best()) > kIrregularError ? ScalingVerdict::kIrregular : ScalingVerdict::kFitted;
  if (fit.verdict == ScalingVerdict::kFitted && fit.best().law != GrowthLaw::kConstant)
    fit_exponent(points, scatter, fit);
  return fit;
}

std::optional<PredictedCost> predicted_cost(const ScalingFit& fit, double size) {
  if (fit.verdict != ScalingVerdict::kFitted) return std::nullopt;
  const double best = cost_by(fit.best(), fit.greatest_size, size);
  PredictedCost predicted{best, best, best};
  for (const FittedLaw& law : fit.laws) {
    if (law.weight < kLikely * fit.best().weight) continue;
    const double cost = cost_by(law, fit.greatest_size, size);
    predicted.low = std::min(predicted.low, cost);
    predicted.high = std::max(predicted.high, cost);
  }
  return predicted;
}

bool grows_worse(std::span<const CostPoint> part, std::span<const double> whole) {
  std::vector<CostPoint> shares(part.begin(), part.end());
  for (size_t i = 0; i < shares.size(); ++i) {
    if (whole[i] <= 0) return false;
    shares[i].cost /= whole[i];
    shares[i].quantum /= whole[i];
  }
  if (shares.size() < kLeastSizes || !is_seen(part) || shares.back().cost <= shares.front().cost) return false;
  const std::vector<FittedLaw> laws = fit_laws(shares);
  const double scatter = excess_scatter(laws, static_cast<double>(shares.size()));
  const double least = std::ranges::min_element(laws, {}, &FittedLaw::misfit)->misfit;
  return laws.front().misfit - least > kChiSquared999 * scatter;
}

}  // namespace flarestack
