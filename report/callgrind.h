// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format callgrind`: Valgrind's callgrind format (its manual, "Callgrind Format Specification"),
// for KCachegrind and callgrind_annotate: self cost by function and line, and who calls whom from which line at what
// cost. Offline side.
//
// Events are the metric and how many samples, allocations or blocks stand behind it. Inlined functions are functions.
// A sampling profiler does not count calls: "calls=" has the samples, at least 1. Each process is a function that calls
// the roots of its stacks. A call of a function that is on the stack already costs nothing, since what it costs is in
// the outermost call: so a function's inclusive cost, the sum over its callers, is the total that `report` says.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

std::string callgrind(const Profile& profile);

}  // namespace flarestack
