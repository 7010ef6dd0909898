// SPDX-License-Identifier: Apache-2.0
// `flarestack report --format md`: the report for an issue or a pull request. Offline side.
#pragma once

#include <string>

#include "report/report_text.h"

namespace flarestack {

std::string report_markdown(const Profile& profile, const ReportOptions& options);

}  // namespace flarestack
