// SPDX-License-Identifier: Apache-2.0
// ScratchFolder: a folder of our own for as long as it lives. Recorder side.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace flarestack {

class ScratchFolder {
 public:
  // In $TMPDIR, or in /tmp; for the user alone.
  static Result<ScratchFolder> create();
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();  // with all that is in it

  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;  // empty: moved from
};

}  // namespace flarestack
