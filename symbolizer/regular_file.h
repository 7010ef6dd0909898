// SPDX-License-Identifier: Apache-2.0
// Opens files whose names come from a recording or from a binary, and may be anything. Offline side.
#pragma once

#include <string>

#include "base/fd.h"

namespace flarestack {

// For reading. Error: it cannot be opened, or is no regular file; a FIFO or a device is not touched.
Result<Fd> open_regular_file(const std::string& path);
// Whether elfutils may open `path`, which opens whatever is there and would wait for a FIFO or a terminal: there is
// nothing, or a regular file.
bool is_safe_to_open(const std::string& path);
// `path`, or where it is seen from the folder of `beside` if it is relative.
std::string path_beside(const std::string& beside, const std::string& path);

}  // namespace flarestack
