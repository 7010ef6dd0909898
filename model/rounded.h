// SPDX-License-Identifier: Apache-2.0
// Offline side.
#pragma once

#include <cstdint>

namespace flarestack {

// The nearest whole number; 0 for what is below, the greatest for what is above, as sums over a damaged trace may be.
inline uint64_t rounded(double value) {
  constexpr double kTooMuch = 18446744073709549568.0;  // the greatest double below 2^64
  if (!(value > 0)) return 0;
  return value >= kTooMuch ? UINT64_MAX : static_cast<uint64_t>(value + 0.5);
}

}  // namespace flarestack
