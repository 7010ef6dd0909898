// SPDX-License-Identifier: Apache-2.0
#include "history/checked_out.h"

#include <array>
#include <cstdio>

namespace flarestack {
namespace {

// The first line of what the command prints; empty if it fails.
std::string first_line_of(const char* command) {
  std::FILE* output = ::popen(command, "r");
  if (output == nullptr) return "";
  std::array<char, 512> line{};
  const bool has_line = std::fgets(line.data(), line.size(), output) != nullptr;
  if (::pclose(output) != 0 || !has_line) return "";
  const std::string text = line.data();
  return text.substr(0, text.find('\n'));
}

}  // namespace

CheckedOut checked_out_here() {
  return {first_line_of("git rev-parse --verify HEAD 2>/dev/null"),
          first_line_of("git symbolic-ref --quiet --short HEAD 2>/dev/null")};
}

}  // namespace flarestack
