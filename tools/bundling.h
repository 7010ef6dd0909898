// SPDX-License-Identifier: Apache-2.0
// Packs what a trace needs into it: for `bundle` and `record --bundle`. Offline side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace flarestack {

struct BundleOutcome {
  uint64_t files = 0;  // packed now; those that were there already do not count
  uint64_t bytes_written = 0;
  std::vector<std::string> missing;  // a sentence for each module that is not in it
};

// The modules that a frame of the trace is in, their debug files, and the source files of what was hot. Error: the
// trace cannot be read or written.
Result<BundleOutcome> bundle_trace(const std::string& trace_path, bool may_lack_end);

// On stderr.
void tell_missing(const BundleOutcome& outcome);

}  // namespace flarestack
