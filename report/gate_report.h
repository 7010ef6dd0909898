// SPDX-License-Identifier: Apache-2.0
// What the gate found, for people, scripts and pull requests. Offline side.
#pragma once

#include <string>

#include "model/gate.h"
#include "report/text_style.h"

namespace flarestack {

std::string gate_text(const GateResult& result, const TextLayout& layout);
std::string gate_json(const GateResult& result);  // "flarestack.gate/1"
std::string gate_markdown(const GateResult& result);

}  // namespace flarestack
