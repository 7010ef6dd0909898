// SPDX-License-Identifier: Apache-2.0
// Annotated functions as one static page: no script, no other file. Folded stretches open by a click, and both syntaxes
// are there to choose from. Offline side.
#pragma once

#include <string>
#include <vector>

#include "report/annotate_view.h"

namespace flarestack {

// Well-formed XML as well as HTML.
std::string annotate_html(const Profile& profile, const std::vector<AnnotatedFunction>& functions,
                          const AnnotateOptions& options);

}  // namespace flarestack
