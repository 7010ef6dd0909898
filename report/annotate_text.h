// SPDX-License-Identifier: Apache-2.0
// An annotated function for a terminal. Offline side.
#pragma once

#include <string>
#include <vector>

#include "report/annotate_view.h"

namespace flarestack {

std::string annotate_text(const Profile& profile, const AnnotatedFunction& function, const AnnotateOptions& options);

// What `wanted` matched besides what is shown, most cost first, in one sentence; empty for none.
std::string other_matches_text(const Profile& profile, const std::string& wanted, const std::vector<uint32_t>& others);

}  // namespace flarestack
