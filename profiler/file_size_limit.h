// SPDX-License-Identifier: Apache-2.0
// Recorder side.
#pragma once

#include <sys/resource.h>

namespace flarestack {

// The kernel counts a memfd's size against RLIMIT_FSIZE, which is meant for files: `ulimit -f` in the user's shell
// would forbid every session. Lifts it as far as we may for as long as it lives; the launched program inherits what was
// there.
class FileSizeLimitLifted {
 public:
  FileSizeLimitLifted() {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    const rlimit hard{before_.rlim_max, before_.rlim_max};
    if (before_.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_FSIZE, &none) != 0) {
      setrlimit(RLIMIT_FSIZE, &hard);
    }
  }
  ~FileSizeLimitLifted() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimitLifted(const FileSizeLimitLifted&) = delete;
  FileSizeLimitLifted& operator=(const FileSizeLimitLifted&) = delete;

 private:
  rlimit before_{};
};

}  // namespace flarestack
