// SPDX-License-Identifier: Apache-2.0
// The text of a suppression file to Suppressions. Used by Suppressions only. Offline side; the text is untrusted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/suppressions.h"

namespace flarestack {

// Entries that are about no leaks (Memcheck:Cond, Helgrind:Race) are checked for their end and left out. Error: one
// sentence, "FILE:LINE: ...".
Result<std::vector<Suppression>> parse_suppressions(std::string_view text, const std::string& file);

}  // namespace flarestack
