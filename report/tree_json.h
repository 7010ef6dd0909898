// SPDX-License-Identifier: Apache-2.0
// `flarestack tree --format json`, schema flarestack.tree/1. Nodes are a flat array, parents by index, since a nested
// one as deep as a stack breaks the JSON parsers of several languages. Offline side.
#pragma once

#include <string>

#include "base/result.h"
#include "report/tree_view.h"

namespace flarestack {

// Error: as find_functions.
Result<std::string> tree_json(const Profile& profile, const TreeOptions& options);

}  // namespace flarestack
