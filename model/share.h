// SPDX-License-Identifier: Apache-2.0
// Offline side.
#pragma once

#include <cstdint>

namespace flarestack {

// 0 of nothing.
inline double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace flarestack
