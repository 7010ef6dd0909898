// SPDX-License-Identifier: Apache-2.0
// What a trace says of its program in the gate's metrics, and which functions and call paths they lie in. Offline side.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/run_record.h"

namespace flarestack {

// How many functions and call paths of each metric are kept: those with the greatest cost of
// their own, and functions with the greatest total as well.
inline constexpr size_t kKeptFunctions = 200;
inline constexpr size_t kKeptPaths = 100;

// A RunRecord of kind "record": times, peak, allocations, leaks without what is suppressed by itself, and costs; what
// the recording was made without is missing. Commit and branch are the caller's to fill in. Error: as
// LoadedTrace::open.
Result<RunRecord> record_of_trace(const std::string& path);

// A record of each region that the program named, in which its calls of all processes are one; the longest first, the
// first kKeptRegions. Times have the cost of recording in them. `only`: these, by path, with functions and call paths
// of their own; empty: all, of which the first kRegionsWithPaths have those.
inline constexpr size_t kKeptRegions = 100;
inline constexpr size_t kRegionsWithPaths = 8;
Result<std::vector<RunRecord>> region_records_of_trace(const std::string& path,
                                                       const std::vector<std::string>& only = {});

}  // namespace flarestack
