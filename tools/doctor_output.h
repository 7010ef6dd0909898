// SPDX-License-Identifier: Apache-2.0
// The findings of `doctor` as text and as JSON ("flarestack.doctor/1").
#pragma once

#include <string>
#include <vector>

#include "profiler/check.h"
#include "report/text_style.h"

namespace flarestack {

// A line for each check, with the command that helps below it, and a closing sentence.
std::string doctor_text(const std::vector<Check>& checks, Colour colour);

// {"schema", "recordable": bool, "checks": [{"name", "outcome": "ok"|"warning"|"problem", "sentence", "command"}...]};
// "command" is null where there is none.
std::string doctor_json(const std::vector<Check>& checks);

}  // namespace flarestack
