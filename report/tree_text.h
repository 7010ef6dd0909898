// SPDX-License-Identifier: Apache-2.0
// `flarestack tree` as text: the call tree from the top, or the callers and callees of a function. Offline side.
#pragma once

#include <string>

#include "base/result.h"
#include "report/tree_view.h"

namespace flarestack {

// Error: as find_functions.
Result<std::string> tree_text(const Profile& profile, const TreeOptions& options);

}  // namespace flarestack
