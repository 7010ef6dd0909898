// SPDX-License-Identifier: Apache-2.0
// How findings are told, in whatever format. Offline side.
#pragma once

#include <string>
#include <vector>

#include "model/findings.h"

namespace flarestack {

std::string gain_phrase(const Finding& finding);  // "up to 34.2% of the time", "up to 12.0% of the peak"
// "1.83 s of CPU time, 34.2% of all", "12.3 MiB".
std::string amount_phrase(const Findings& findings, const Finding& finding);
// What is not said by a finding: that there is none, what is unknown, what recording itself cost. Sentences.
std::vector<std::string> remarks(const Findings& findings);

}  // namespace flarestack
