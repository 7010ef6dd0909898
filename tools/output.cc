// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/terminal.h"
#include "tools/command.h"

namespace flarestack {

void print_error(const std::string& message) {
  const char* red = wants_colour(2) ? "\033[31m" : "";
  const char* plain = wants_colour(2) ? "\033[0m" : "";
  fmt::print(stderr, "{}flarestack:{} {}\n", red, plain, message);
}

Result<void> write_output(const std::string& path, const std::string& text) {
  return path.empty() || path == "-" ? write_all(1, text, "write to stdout") : write_file(path, text);
}

}  // namespace flarestack
