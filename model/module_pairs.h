// SPDX-License-Identifier: Apache-2.0
// Modules of two recordings that are the same program or library under two names: server-1.4 and server-1.5,
// libz.so.1.2.13 and libz.so.1.3. Without this all their functions would be vanished or new. The page of two recordings
// pairs by the same rules (report/web/view/module_pairs.js), but that it knows no build ids. Offline side.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace flarestack {

struct ModuleNames {
  // By base name: the build ids of all modules of this name, an empty one of those that have none.
  std::map<std::string, std::set<std::vector<uint8_t>>> build_ids;
  std::string executable;  // what was started first
};

// By the names of modules that only `other` has: the name that `base` has for the same. By build id first, then the two
// executables, then libraries that differ in their version alone.
std::map<std::string, std::string> pair_modules(const ModuleNames& base, const ModuleNames& other);

}  // namespace flarestack
