// SPDX-License-Identifier: Apache-2.0
// run_parallel: a loop over independent pieces of work on several threads. Offline side.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace flarestack {

// Runs work(0) ... work(count - 1), each once, on up to `threads` threads of which the caller is one; returns when all
// are done. `work` does not throw.
inline void run_parallel(size_t count, unsigned threads, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  auto loop = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      work(i);
    }
  };
  std::vector<std::jthread> helpers;
  for (size_t i = 1; i < std::min<size_t>(threads, count); ++i) {
    helpers.emplace_back(loop);
  }
  loop();
}

}  // namespace flarestack
