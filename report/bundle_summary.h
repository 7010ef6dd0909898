// SPDX-License-Identifier: Apache-2.0
// What is packed into a trace, for `info`. Offline side; pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "model/recording.h"

namespace flarestack {

struct BundleSummary {
  struct Kind {
    uint64_t files = 0;
    uint64_t size_bytes = 0;  // unpacked
  };
  std::map<std::string_view, Kind> kinds;  // "modules", "debug files", "sources"
  Kind all;
};

BundleSummary summarize_bundle(const Recording& recording);

}  // namespace flarestack
