// SPDX-License-Identifier: Apache-2.0
// Where missing debug information can be had from. Offline side.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace flarestack {

// For each file (absolute paths) a command or a sentence that would get its debug information. Files of a
// distribution's package: its debug package where we know one, or else the distribution's debuginfod server. Others:
// "build it with -g". Reads dpkg's file lists (one pass for all the files, 20 ms); starts no process.
std::vector<std::string> debug_info_remedies(std::span<const std::string> paths);

// The same with the places given: `dpkg_directory` instead of /var/lib/dpkg/info, `distribution` instead of ID in
// /etc/os-release, and whether DEBUGINFOD_URLS is set.
struct RemedySources {
  std::string dpkg_directory;
  std::string distribution;
  bool has_debuginfod = false;
};
std::vector<std::string> debug_info_remedies(std::span<const std::string> paths, const RemedySources& sources);

}  // namespace flarestack
