// SPDX-License-Identifier: Apache-2.0
// PerfMap: what a JIT compiler says about its code in /tmp/perf-PID.map (Linux,
// tools/perf/Documentation/jit-interface.txt): lines of "START SIZE name", hexadecimal. Read by the recorder at the end
// of a recording. The file is untrusted: it may be cut, be still written to, or hold anything at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace flarestack {

struct JitFunction {
  uint64_t runtime_start = 0;
  uint64_t runtime_end = 0;  // one past the last byte
  std::string name;          // at most PerfMap::kMaxNameBytes; control characters are replaced by '?'
};

class PerfMap {
 public:
  static constexpr size_t kMaxNameBytes = 1024;

  PerfMap() = default;
  // Never fails. A line that is not an entry is counted and left out. JITs move and discard code and append what they
  // then put at the same place, so a later entry takes from earlier ones whatever it covers.
  static PerfMap parse(std::string_view text);

  // The function that covers `address`, or nullptr. Borrowed from the PerfMap.
  const JitFunction* find(RuntimeAddress address) const;
  // Ascending and disjoint. One that was partly overridden may be there in several parts.
  const std::vector<JitFunction>& functions() const { return functions_; }
  size_t bad_lines() const { return bad_lines_; }

 private:
  std::vector<JitFunction> functions_;
  size_t bad_lines_ = 0;
};

}  // namespace flarestack
