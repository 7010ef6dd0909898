// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format json`: the whole profile for scripts, "flarestack.profile/1": functions, call tree, and
// its samples summed by thread and by time slice. Offline side.
//
// The call tree is in columns, an entry a node: of a million call paths an object for each would be several times as
// large. Parents come before their children; a node's function is an index of "functions".
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

std::string profile_json(const Profile& profile);

}  // namespace flarestack
