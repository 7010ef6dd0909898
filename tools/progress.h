// SPDX-License-Identifier: Apache-2.0
// Progress: one line on stderr that says how far long work is, on a terminal only. Recorder and offline side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace flarestack {

class Progress {
 public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `all`, and what is being done. Drawn again at most ten times a second.
  void show(size_t done, size_t all, const std::string& what);
  // Leaves nothing behind.
  void clear();

 private:
  bool on_terminal_;
  bool drawn_ = false;
  int64_t drawn_ns_ = 0;
};

}  // namespace flarestack
