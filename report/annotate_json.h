// SPDX-License-Identifier: Apache-2.0
// Annotated functions as JSON, schema "flarestack.annotate/1": every instruction, with cost or without. Offline side.
#pragma once

#include <string>
#include <vector>

#include "report/annotate_view.h"
#include "report/json_writer.h"

namespace flarestack {

// `others`: functions that matched as well, indexes of Profile::functions.
std::string annotate_json(const Profile& profile, const std::vector<AnnotatedFunction>& functions,
                          const std::vector<uint32_t>& others);

// One object of its "functions".
void write_annotated_function(JsonWriter& json, const Profile& profile, const AnnotatedFunction& annotated);

}  // namespace flarestack
