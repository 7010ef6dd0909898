// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"
#include "tools/command.h"

namespace flarestack {

Result<void> write_output(const std::string& path, const std::string& text) {
  return path.empty() || path == "-" ? write_all(1, text, "write to stdout") : write_file(path, text);
}

}  // namespace flarestack
