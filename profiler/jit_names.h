// SPDX-License-Identifier: Apache-2.0
// JitNames: the names of one process's JIT code, by the files that its compilers leave: a jitdump (base/jit_dump.h),
// and /tmp/perf-PID.map (base/perf_map.h) for what that does not name. Recorder side.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/jit_dump.h"
#include "base/perf_map.h"

namespace flarestack {

class JitNames {
 public:
  // `jit_dump`: the dump's descriptor, borrowed for the call; -1: one named jit-PID.dump in the working directory is
  // taken, which is where compilers put it. `pid`: as the process itself knows it. Of a file larger than 256 MiB only
  // that much is read. Never fails: what is not there names nothing.
  static JitNames read(int jit_dump, int32_t pid);

  // For each query; a place without a name where nothing is known.
  std::vector<JitPlace> resolve(std::span<const JitQuery> queries) const;

 private:
  std::unique_ptr<std::string> dump_bytes_;  // borrowed by dump_
  JitDump dump_;
  PerfMap map_;
};

}  // namespace flarestack
