// SPDX-License-Identifier: Apache-2.0
#include "base/spelling.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace flarestack {

size_t spelling_distance(std::string_view a, std::string_view b) {
  // Rows i-2, i-1 and i of the table; cell j is the distance of a's first i bytes to b's first j.
  std::vector<size_t> before_previous(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
      }
    }
    std::swap(before_previous, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::optional<std::string_view> closest_spelling(std::string_view word, std::span<const std::string_view> candidates) {
  std::optional<std::string_view> closest;
  size_t least = 0;
  for (std::string_view candidate : candidates) {
    size_t allowed = std::min<size_t>(3, std::max(word.size(), candidate.size()) / 3);
    size_t distance = spelling_distance(word, candidate);
    if (distance <= allowed && (!closest || distance < least)) {
      closest = candidate;
      least = distance;
    }
  }
  return closest;
}

}  // namespace flarestack
