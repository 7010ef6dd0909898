// SPDX-License-Identifier: Apache-2.0
// `flarestack diff` as text: totals, then by metric what got worse and what got better. Offline side.
#pragma once

#include <string>

#include "report/diff_report.h"

namespace flarestack {

std::string diff_text(const DiffReport& report);

}  // namespace flarestack
