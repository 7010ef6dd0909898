// SPDX-License-Identifier: Apache-2.0
// `flarestack leaks` as JSON, schema "flarestack.leaks/1". Offline side.
#pragma once

#include <string>

#include "report/leaks_text.h"

namespace flarestack {

// All sites, whatever the options show as text; only `top` holds here as well.
std::string leaks_json(const Profile& profile, const Leaks& leaks, const HeapGrowth& growth,
                       const Suppressions& suppressions, const LeakReportOptions& options);

}  // namespace flarestack
