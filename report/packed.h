// SPDX-License-Identifier: Apache-2.0
// Data gzipped, and as text that a page can hold and that a browser unpacks itself. Offline side.
#pragma once

#include <string>
#include <string_view>

namespace flarestack {

// One member, always the same for the same data.
std::string gzip(std::string_view data);
// base64 (RFC 4648, with padding) of a gzip member of `data`.
std::string gzip_base64(std::string_view data);

}  // namespace flarestack
