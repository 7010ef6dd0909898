// SPDX-License-Identifier: Apache-2.0
#include "model/level_changes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "model/run_statistics.h"

namespace flarestack {
namespace {

constexpr size_t kLeastValues = 4;                              // on each side
constexpr std::array<size_t, 5> kWindows = {4, 8, 16, 32, 64};  // values on a side, at most

// How far the rank sum of the first `left` values is from what chance would make it, in standard deviations.
double rank_distance(std::span<const double> values, size_t left) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return values[i]; });
  const auto n = static_cast<double>(values.size());
  double rank_sum = 0;
  double ties = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + end + 1) / 2;  // of all that are equal
    for (size_t i = begin; i < end; ++i) rank_sum += order[i] < left ? rank : 0;
    const auto equal = static_cast<double>(end - begin);
    ties += equal * equal * equal - equal;
  }
  const auto a = static_cast<double>(left);
  const double variance = a * (n - a) / 12 * (n + 1 - ties / (n * (n - 1)));
  return variance <= 0 ? 0 : std::abs(rank_sum - a * (n + 1) / 2) / std::sqrt(variance);
}

// Compared are the values of [begin, at) and [at, end).
struct Split {
  size_t begin = 0;
  size_t at = 0;
  size_t end = 0;
  double distance = 0;
};

class Segmentation {
 public:
  explicit Segmentation(std::span<const double> values) : values_(values) {
    split(0, values.size());
    std::ranges::sort(places_);
  }
  // The first values of new levels, in order.
  const std::vector<size_t>& places() const { return places_; }
  // Of a test between the values of [begin, at) and [at, end), for all that this one was chosen from.
  double corrected_p(size_t begin, size_t at, size_t end) const {
    const double p = mann_whitney(values_.subspan(begin, at - begin), values_.subspan(at, end - at));
    return std::min(1.0, p * static_cast<double>(values_.size()));
  }

 private:
  void split(size_t begin, size_t end) {
    Split best;
    for (size_t at = begin + kLeastValues; at + kLeastValues <= end; ++at) {
      for (const size_t left : kWindows) {
        for (const size_t right : kWindows) {
          const Split split{at - std::min(left, at - begin), at, at + std::min(right, end - at), 0};
          const double distance =
              rank_distance(values_.subspan(split.begin, split.end - split.begin), at - split.begin);
          if (distance > best.distance) best = {split.begin, at, split.end, distance};
        }
      }
    }
    if (best.at == 0 || corrected_p(best.begin, best.at, best.end) > kLevelChangeError) return;
    places_.push_back(best.at);
    split(begin, best.at);
    split(best.at, end);
  }

  std::span<const double> values_;
  std::vector<size_t> places_;
};

// The place moved past neighbours that are at the other side's level; outliers are at neither.
size_t settled(std::span<const double> values, size_t begin, LevelChange change, size_t end) {
  const auto is_at = [&](double value, double level, double other) {
    return std::abs(value - level) < std::abs(value - other) && std::abs(value - level) <= std::abs(level - other);
  };
  size_t at = change.at;
  while (at + kLeastValues < end && is_at(values[at], change.before, change.after)) ++at;
  while (at > begin + kLeastValues && is_at(values[at - 1], change.after, change.before)) --at;
  return at;
}

}  // namespace

std::vector<LevelChange> level_changes(std::span<const double> values) {
  const Segmentation segmentation(values);
  const std::vector<size_t>& places = segmentation.places();
  std::vector<LevelChange> changes;
  size_t begin = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t at = places[i];
    const size_t end = i + 1 < places.size() ? places[i + 1] : values.size();
    const double before = median_of(values.subspan(begin, at - begin));
    const double after = median_of(values.subspan(at, end - at));
    // What was split off between two others may be no level of its own: it then belongs to the one before.
    if (std::abs(after - before) <= kLeastLevelChange * std::abs(before)) continue;
    LevelChange change{at, before, after, segmentation.corrected_p(begin, at, end)};
    change.at = settled(values, begin, change, end);
    begin = change.at;
    changes.push_back(change);
  }
  return changes;
}

}  // namespace flarestack
