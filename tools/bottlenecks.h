// SPDX-License-Identifier: Apache-2.0
// What `report` and `view` tell of a recording first. Offline side.
#pragma once

#include "model/findings.h"

namespace flarestack {

// Below it, a finding is not worth a change; the tables go further down.
inline constexpr double kFindingThreshold = 0.05;

// The findings of the profiles, of which either may be null, with what instructions say of them; borrowed from both.
Findings explained_bottlenecks(const Profile* time, const Profile* heap, const Suppressions& suppressions,
                               double threshold, const AnnotationSources& sources);

}  // namespace flarestack
