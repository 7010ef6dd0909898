// SPDX-License-Identifier: Apache-2.0
// `flarestack export --format collapsed`: Brendan Gregg's folded stacks, "root;child;leaf WEIGHT", for the many tools
// that read them. The weight is the profile's own value, in whole nanoseconds, bytes or allocations, not a number of
// samples: it stays right where samples weigh different amounts, as kernel time does. Offline side.
#pragma once

#include <string>

#include "model/profile.h"

namespace flarestack {

// One line for each stack, sorted by the names of its frames from the root on; stacks of equal names are one line. ';'
// in a name becomes ':', control characters '?'.
std::string collapsed(const Profile& profile);

}  // namespace flarestack
