// SPDX-License-Identifier: Apache-2.0
// TouchedMemory: which pages of a process's private anonymous memory hold anything. The others have never been written
// to and are zero: the stacks of threads, which are mapped whole, and what a runtime has reserved. To read them would
// take most of the time of a look at such a process, and have the kernel map each of them. Recorder side.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace flarestack {

class TouchedMemory {
 public:
  explicit TouchedMemory(int32_t tid);

  // The parts of [start, end) that hold anything, ascending; all of it where the kernel does not tell.
  std::vector<std::pair<uint64_t, uint64_t>> parts(uint64_t start, uint64_t end) const;

 private:
  Fd pages_;  // /proc/TID/pagemap
};

}  // namespace flarestack
