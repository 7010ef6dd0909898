// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/regular_file.h"

#include <sys/stat.h>

namespace flarestack {

Result<Fd> open_regular_file(const std::string& path) {
  // Looked at before it is opened, which is not without consequences for a device or a FIFO that took the place.
  if (!is_safe_to_open(path)) {
    return Error{path + " is not a regular file"};
  }
  return open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

bool is_safe_to_open(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

std::string path_beside(const std::string& beside, const std::string& path) {
  return path.starts_with('/') ? path : beside.substr(0, beside.rfind('/') + 1) + path;
}

}  // namespace flarestack
