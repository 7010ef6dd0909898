// SPDX-License-Identifier: Apache-2.0
// Untrusted text inside a Markdown document. Offline side.
#pragma once

#include <string>
#include <string_view>

namespace flarestack {

// Plain text: nothing in it is markup or HTML.
std::string markdown_text(std::string_view text);
// A code span, also in a table's cell.
std::string markdown_code(std::string_view text);

}  // namespace flarestack
