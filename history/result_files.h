// SPDX-License-Identifier: Apache-2.0
// The results that a file holds: a trace, or the JSON of `bench` or `gate`. Offline side.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/run_record.h"

namespace flarestack {

// Error: it cannot be read, is none of these, or has no result in it. What the file does not tell of (the machine of a
// `bench`, the step of a trace, a commit) is empty.
Result<std::vector<RunRecord>> read_results(const std::string& path);

}  // namespace flarestack
