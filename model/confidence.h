// SPDX-License-Identifier: Apache-2.0
// How sure is what is told of a run besides its numbers. Offline side.
#pragma once

#include <cstdint>

namespace flarestack {

enum class Confidence : uint8_t {
  kPossible,  // it may be so; something that was not recorded decides
  kLikely,    // the numbers suggest it
  kSure,      // nothing else explains them
};
const char* confidence_name(Confidence confidence);  // "possible", "likely", "sure"

}  // namespace flarestack
