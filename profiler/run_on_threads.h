// SPDX-License-Identifier: Apache-2.0
// run_on_threads: the same work on several threads at once. Recorder side.
#pragma once

#include <thread>
#include <vector>

namespace flarestack {

// Calls work() on the calling thread and `threads` - 1 others, which divide it up among themselves; returns when all
// have returned. Must not throw.
template <typename Work>
void run_on_threads(unsigned threads, const Work& work) {
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) {
    others.emplace_back([&work] { work(); });
  }
  work();
  for (std::thread& other : others) {
    other.join();
  }
}

}  // namespace flarestack
