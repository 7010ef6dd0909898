// SPDX-License-Identifier: Apache-2.0
// `flarestack diff --format md`: for a pull request. Offline side.
#pragma once

#include <string>

#include "report/diff_report.h"

namespace flarestack {

std::string diff_markdown(const DiffReport& report);

}  // namespace flarestack
