// SPDX-License-Identifier: Apache-2.0
// SnapshotSampler: the running threads of a process, each stopped by ptrace for as long as it takes to read its
// registers and copy the top of its stack; what the copy says is found out afterwards. For where perf_event is refused.
// Threads that wait are never stopped, since some system calls tell of it; one that has begun such a call in between is
// made to begin it again. A sample weighs what its thread has run since the one before. Part of OutsideSampler;
// recorder side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "profiler/outside_sample.h"

namespace flarestack {

class SnapshotSampler {
 public:
  static constexpr uint32_t kStackCopyBytes = 16 * 1024;
  static constexpr uint32_t kMostHz = 100;  // a stop takes some hundredths of a ms, on a busy machine one or two

  // Error: the kernel does not let us trace it.
  static Result<SnapshotSampler> begin(int32_t pid);

  // Looks at every thread once.
  void pass(const std::function<void(const OutsideSample&)>& take);

 private:
  struct Thread {
    Fd schedstat;
    Fd stat;
    uint64_t given_ns = 0;  // of its running time, what samples have told of
  };

  explicit SnapshotSampler(int32_t pid) : pid_(pid) {}
  void find_threads(bool are_new);
  bool sample(int32_t tid, OutsideSample& sample);

  int32_t pid_;
  std::map<int32_t, Thread> threads_;
  uint64_t last_listing_ns_ = 0;
  std::vector<std::byte> stack_copy_;
};

}  // namespace flarestack
