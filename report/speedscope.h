// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format speedscope`: for speedscope.app, after its file-format-schema.json: sampled profiles
// whose weights are the metric's values. Offline side.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

// The first profile is the whole; of several threads it has each call path once, and a profile for each thread follows,
// in the order of time. A frame is a function, with the file and line where it begins or else its module.
std::string speedscope(const Profile& profile);

}  // namespace flarestack
