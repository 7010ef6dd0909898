// SPDX-License-Identifier: Apache-2.0
// `flarestack info --format json`, schema flarestack.info/1. Offline side.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

// `profile` should be made without filters.
std::string info_json(const Profile& profile);

}  // namespace flarestack
