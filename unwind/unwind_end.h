// SPDX-License-Identifier: Apache-2.0
// UnwindEnd: why a trace ended, for the quality counters. Both sides; no code.
#pragma once

#include <cstdint>

namespace flarestack {

enum class UnwindEnd : uint8_t {
  kRoot,        // the outermost frame: undefined return address, or pc 0
  kNoCode,      // neither CFI nor a frame pointer leads on: code in no module, or CFI that makes no sense
  kBadMemory,   // a slot could not be read
  kNoProgress,  // the CFA did not grow
  kLimit,       // more frames than are walked
};

}  // namespace flarestack
