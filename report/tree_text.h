// SPDX-License-Identifier: Apache-2.0
// `flarestack tree` as text: the call tree from the top, or the callers and callees of a function. Offline side.
#pragma once

#include <string>

#include "base/result.h"
#include "report/tree_view.h"

namespace flarestack {

// Error: as find_functions.
Result<std::string> tree_text(const Profile& profile, const TreeOptions& options);

// Callers, bottom up, and callees, top down, of one function; percentages are of its total.
std::string callers_and_callees_text(const std::vector<Function>& functions, const CallTree& tree, uint32_t function,
                                     const TreeOptions& options);

}  // namespace flarestack
