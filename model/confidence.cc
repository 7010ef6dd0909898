// SPDX-License-Identifier: Apache-2.0
#include "model/confidence.h"

namespace flarestack {

const char* confidence_name(Confidence confidence) {
  switch (confidence) {
    case Confidence::kPossible:
      return "possible";
    case Confidence::kLikely:
      return "likely";
    case Confidence::kSure:
      return "sure";
  }
  return "unknown";
}

}  // namespace flarestack
