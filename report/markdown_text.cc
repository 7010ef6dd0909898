// SPDX-License-Identifier: Apache-2.0
#include "report/markdown_text.h"

#include <algorithm>

#include "report/text_style.h"

namespace flarestack {

std::string markdown_text(std::string_view text) {
  std::string out;
  for (const char each : printable(text)) {
    if (std::string_view("\\`*_[]<>|#&~").find(each) != std::string_view::npos) out += '\\';
    out += each;
  }
  return out;
}

// A code span in a table's cell: a fence longer than any run of backticks inside, and bars escaped, which GitHub's
// tables want even in code (GFM 4.10).
std::string markdown_code(std::string_view text) {
  const std::string shown = printable(text);
  if (shown.empty()) return "";
  size_t longest = 0;
  for (size_t i = 0, run = 0; i < shown.size(); ++i) longest = std::max(longest, run = shown[i] == '`' ? run + 1 : 0);
  const std::string fence(longest + 1, '`');
  const std::string space = shown.front() == '`' || shown.back() == '`' ? " " : "";
  std::string out = fence + space;
  for (const char each : shown) out += each == '|' ? std::string("\\|") : std::string(1, each);
  return out + space + fence;
}

}  // namespace flarestack
