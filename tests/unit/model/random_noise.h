// SPDX-License-Identifier: Apache-2.0
// Noise: the same random numbers at each call, for tests of statistics.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flarestack {

// Uniform numbers and, by Box and Muller, normal ones.
struct Noise {
  uint64_t state = 1;
  double uniform() {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (static_cast<double>(state >> 40) + 0.5) / static_cast<double>(1 << 24);
  }
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()); }
  std::vector<double> sample(size_t count, double mean, double deviation) {
    std::vector<double> values;
    for (size_t i = 0; i < count; ++i) values.push_back(mean + deviation * normal());
    return values;
  }
};

}  // namespace flarestack
