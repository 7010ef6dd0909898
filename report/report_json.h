// SPDX-License-Identifier: Apache-2.0
// `flarestack report --format json`, schema flarestack.report/1. Offline side.
#pragma once

#include <string>

#include "report/report_text.h"

namespace flarestack {

std::string report_json(const Profile& profile, const ReportOptions& options);

}  // namespace flarestack
