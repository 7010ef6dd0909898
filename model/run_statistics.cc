// SPDX-License-Identifier: Apache-2.0
#include "model/run_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>

namespace flarestack {
namespace {

constexpr double kOutlierDistance = 14.826;  // median distances; 1.4826 of them are a standard deviation
constexpr size_t kMostExact = 50;            // values in all, whose arrangements are counted

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  std::sort(result.begin(), result.end());
  return result;
}

double quantile_of_sorted(std::span<const double> values, double part) {
  const double at = part * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

// Of the first sample: twice its midranks in both together, so that they are whole; and the sum over groups of equal
// values of t^3 - t.
struct Ranks {
  std::vector<uint32_t> doubled;  // of all, ascending
  uint64_t doubled_sum = 0;       // of the first sample
  double ties = 0;
};

Ranks ranks_of(std::span<const double> a, std::span<const double> b) {
  std::vector<std::pair<double, bool>> all;  // the value, and whether it is of the first
  for (const double value : a) all.emplace_back(value, true);
  for (const double value : b) all.emplace_back(value, false);
  std::sort(all.begin(), all.end());
  Ranks ranks;
  for (size_t start = 0; start < all.size();) {
    size_t end = start;
    while (end < all.size() && all[end].first == all[start].first) ++end;
    const auto doubled = static_cast<uint32_t>(start + 1 + end);
    for (size_t i = start; i < end; ++i) {
      ranks.doubled.push_back(doubled);
      if (all[i].second) ranks.doubled_sum += doubled;
    }
    const auto tied = static_cast<double>(end - start);
    ranks.ties += tied * tied * tied - tied;
    start = end;
  }
  return ranks;
}

// Of all choices of `chosen` ranks: the share of each doubled sum.
std::vector<double> shares_of_sums(std::span<const uint32_t> doubled, size_t chosen) {
  const uint64_t most = std::accumulate(doubled.begin(), doubled.end(), uint64_t{0});
  std::vector<std::vector<double>> ways(chosen + 1, std::vector<double>(most + 1, 0));  // by count, then by sum
  ways[0][0] = 1;
  for (const uint32_t rank : doubled) {
    for (size_t count = chosen; count-- > 0;) {
      for (uint64_t sum = most + 1; sum-- > rank;) ways[count + 1][sum] += ways[count][sum - rank];
    }
  }
  const double all = std::accumulate(ways[chosen].begin(), ways[chosen].end(), 0.0);
  for (double& way : ways[chosen]) way /= all;
  return ways[chosen];
}

double exact_p(const Ranks& ranks, size_t chosen) {
  const std::vector<double> shares = shares_of_sums(ranks.doubled, chosen);
  double below = 0;
  double above = 0;
  for (uint64_t sum = 0; sum < shares.size(); ++sum) {
    if (sum <= ranks.doubled_sum) below += shares[sum];
    if (sum >= ranks.doubled_sum) above += shares[sum];
  }
  return std::min(1.0, 2 * std::min(below, above));
}

// With the sum of t^3 - t over groups of equal values.
double deviation_of_u(double a, double b, double ties) {
  const double n = a + b;
  return std::sqrt(a * b / 12 * (n + 1 - ties / (n * (n - 1))));
}

double approximate_p(const Ranks& ranks, double a, double b) {
  const double u = static_cast<double>(ranks.doubled_sum) / 2 - a * (a + 1) / 2;
  const double deviation = deviation_of_u(a, b, ranks.ties);
  if (deviation == 0) return 1;
  const double z = std::max(0.0, std::abs(u - a * b / 2) - 0.5) / deviation;
  return std::erfc(z / std::sqrt(2));
}

struct Tail {
  uint64_t left_out = 0;  // of the pairs, at each end
  double confidence = 0;  // of the interval between
};

// How many of the a * b pairs lie outside of Moses' interval at each end.
Tail moses_tail(size_t a, size_t b, double confidence) {
  if (a + b > kMostExact) {
    const auto x = static_cast<double>(a);
    const auto y = static_cast<double>(b);
    const double bound = x * y / 2 - normal_bound(1 - confidence) * deviation_of_u(x, y, 0);
    return {bound > 1 ? static_cast<uint64_t>(bound) - 1 : 0, confidence};
  }
  std::vector<uint32_t> doubled(a + b);
  for (size_t i = 0; i < doubled.size(); ++i) doubled[i] = static_cast<uint32_t>(2 * (i + 1));
  const std::vector<double> shares = shares_of_sums(doubled, a);
  const uint64_t least_sum = a * (a + 1);  // doubled, where U is 0
  double below = shares[least_sum];        // P(U <= left_out)
  Tail tail{0, 1 - 2 * below};
  while (2 * (below + shares[least_sum + 2 * (tail.left_out + 1)]) <= 1 - confidence) {
    below += shares[least_sum + 2 * ++tail.left_out];
    tail.confidence = 1 - 2 * below;
  }
  return tail;
}

// Of all a / b, both ascending, the one that `rank` others are below, by bisection: there may be millions of pairs.
double ratio_of_rank(std::span<const double> a, std::span<const double> b, uint64_t rank) {
  double low = a.front() / b.back();
  double high = a.back() / b.front();
  while (high - low > 1e-12 * high) {
    const double middle = (low + high) / 2;
    uint64_t below = 0;  // pairs whose ratio is at most the middle
    size_t of_a = 0;
    for (const double of_b : b) {
      while (of_a < a.size() && a[of_a] <= middle * of_b) ++of_a;
      below += of_a;
    }
    (below > rank ? high : low) = middle;
  }
  return high;
}

bool all_positive(std::span<const double> values) {
  return !values.empty() && std::ranges::all_of(values, [](double value) { return value > 0; });
}

}  // namespace

double normal_bound(double chance) {
  double low = 0;
  double high = 40;  // beyond it a double has no chance
  for (int step = 0; step < 100; ++step) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2)) > chance ? low : high) = middle;
  }
  return high;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median_of(std::span<const double> values) { return quantile_of(values, 0.5); }

double deviation_of(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double quantile_of(std::span<const double> values, double part) { return quantile_of_sorted(sorted(values), part); }

Interval median_interval(std::span<const double> values, double confidence) {
  const std::vector<double> ordered = sorted(values);
  const size_t n = ordered.size();
  // P(B <= k) of the binomial distribution with p = 1/2: how often the median is below the value of that rank.
  double share = std::pow(0.5, static_cast<double>(n));
  double below = share;
  size_t left_out = 0;
  while (2 * (left_out + 1) < n) {
    share *= static_cast<double>(n - left_out) / static_cast<double>(left_out + 1);
    if (2 * (below + share) > 1 - confidence) break;
    below += share;
    ++left_out;
  }
  return {ordered[left_out], ordered[n - 1 - left_out], std::max(0.0, 1 - 2 * below)};
}

std::vector<size_t> outliers_of(std::span<const double> values) {
  std::vector<size_t> outliers;
  if (values.empty()) return outliers;
  const double median = median_of(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - median));
  const double typical = median_of(distances);
  for (size_t i = 0; i < values.size() && typical > 0; ++i) {
    if (distances[i] > kOutlierDistance * typical) outliers.push_back(i);
  }
  return outliers;
}

RunStatistics run_statistics(std::span<const double> values) {
  RunStatistics result;
  if (values.empty()) return result;
  const std::vector<double> ordered = sorted(values);
  result.runs = values.size();
  result.mean = mean_of(values);
  result.deviation = deviation_of(values);
  result.median = quantile_of_sorted(ordered, 0.5);
  result.least = ordered.front();
  result.greatest = ordered.back();
  result.first_quartile = quantile_of_sorted(ordered, 0.25);
  result.third_quartile = quantile_of_sorted(ordered, 0.75);
  result.interval = median_interval(values);
  result.outliers = outliers_of(values);
  return result;
}

double mann_whitney(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  const Ranks ranks = ranks_of(a, b);
  return a.size() + b.size() <= kMostExact
             ? exact_p(ranks, a.size())
             : approximate_p(ranks, static_cast<double>(a.size()), static_cast<double>(b.size()));
}

RatioEstimate ratio_estimate(std::span<const double> a, std::span<const double> b, double confidence) {
  RatioEstimate estimate;
  estimate.p = mann_whitney(a, b);
  if (!all_positive(a) || !all_positive(b)) return estimate;
  const std::vector<double> of_a = sorted(a);
  const std::vector<double> of_b = sorted(b);
  const uint64_t pairs = uint64_t{a.size()} * b.size();
  const Tail tail = moses_tail(a.size(), b.size(), confidence);
  estimate.ratio = (ratio_of_rank(of_a, of_b, (pairs - 1) / 2) + ratio_of_rank(of_a, of_b, pairs / 2)) / 2;
  estimate.interval = {ratio_of_rank(of_a, of_b, tail.left_out), ratio_of_rank(of_a, of_b, pairs - 1 - tail.left_out),
                       std::max(0.0, tail.confidence)};
  return estimate;
}

}  // namespace flarestack
