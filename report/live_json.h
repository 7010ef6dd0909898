// SPDX-License-Identifier: Apache-2.0
// A LiveView as one line of JSON, for scripts. Offline side.
#pragma once

#include <cstddef>
#include <string>

#include "model/live_view.h"

namespace flarestack {

// The first `top` rows of each table, in the order of live_table(). With its line break.
std::string live_json(const LiveView& view, size_t top);

}  // namespace flarestack
