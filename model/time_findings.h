// SPDX-License-Identifier: Apache-2.0
// The part of find_bottlenecks() that is about time. Offline side.
#pragma once

#include "model/findings.h"

namespace flarestack {

// Fills all that is about time, and adds findings in no order; memory allocation also if it is below the threshold, if
// there is any.
void add_time_findings(const Profile& profile, Findings& findings);

}  // namespace flarestack
