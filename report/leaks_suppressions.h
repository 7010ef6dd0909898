// SPDX-License-Identifier: Apache-2.0
// `flarestack leaks --generate-suppressions`: what was found, as suppressions in memcheck's syntax. Offline side.
#pragma once

#include <string>

#include "report/leaks_text.h"

namespace flarestack {

// One for each site whose verdict `options` show, on all frames up to main(), by the names that the linker knows:
// read back, they suppress these and nothing with another function in its stack. `leaks` has its mangled names
// (LeakOptions::mangled_names).
std::string leak_suppressions(const Profile& profile, const Leaks& leaks, const LeakReportOptions& options);

}  // namespace flarestack
