// SPDX-License-Identifier: Apache-2.0
#include "tools/scratch_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace flarestack {

Result<ScratchFolder> ScratchFolder::create() {
  const char* parent = std::getenv("TMPDIR");
  std::string path = std::string(parent != nullptr && *parent != 0 ? parent : "/tmp") + "/flarestack.XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return errno_error("make a folder " + path);
  return ScratchFolder(std::move(path));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace flarestack
