// SPDX-License-Identifier: Apache-2.0
// `flarestack diff -o FILE.svg`: two recordings as one flame graph, frames painted by their change. Offline side.
#pragma once

#include <string>

#include "model/difference_tree.h"
#include "report/diff_report.h"

namespace flarestack {

// Of the report, what it says of the two sides.
std::string difference_svg(const DifferenceTree& difference, const DiffReport& report);

}  // namespace flarestack
