// SPDX-License-Identifier: Apache-2.0
// Hints of what kind of work a function does, as both `annotate` and `report` tell them. Offline side.
#pragma once

#include <cstdint>
#include <string>

#include "model/work_hints.h"
#include "report/json_writer.h"

namespace flarestack {

// As tools print addresses; numbers of JSON are doubles to many readers.
std::string offset_text(uint64_t offset);
void write_hint(JsonWriter& json, const WorkHint& hint);

// "83.0% division (likely)".
std::string hint_phrase(const WorkHint& hint);
// The instructions with the most cost: "idiv ecx (prog.c:14)"; empty: none is quoted.
std::string quoted_phrase(const WorkHint& hint);

}  // namespace flarestack
