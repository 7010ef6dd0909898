// SPDX-License-Identifier: Apache-2.0
#include "base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace flarestack {

namespace {

std::string_view environment_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

bool wants_colour(int descriptor) {
  if (isatty(descriptor) == 0 || !environment_value("NO_COLOR").empty()) return false;
  std::string_view terminal = environment_value("TERM");
  return !terminal.empty() && terminal != "dumb";
}

std::optional<size_t> terminal_width(int descriptor) {
  struct winsize size;
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

}  // namespace flarestack
