// SPDX-License-Identifier: Apache-2.0
// `flarestack diff --format json`: {"schema":"flarestack.diff/1", ...}, described in docs/comparing.md. Offline side.
#pragma once

#include <string>

#include "report/diff_report.h"

namespace flarestack {

std::string diff_json(const DiffReport& report);

}  // namespace flarestack
