// SPDX-License-Identifier: Apache-2.0
// links: flarestack_base
// The functions of any perf map are ascending, disjoint and not empty, and each is found at both its ends.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/perf_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using flarestack::JitFunction;
  using flarestack::PerfMap;
  const PerfMap map = PerfMap::parse({reinterpret_cast<const char*>(data), size});
  uint64_t last_end = 0;
  for (const JitFunction& function : map.functions()) {
    if (function.runtime_start < last_end || function.runtime_end <= function.runtime_start ||
        function.name.size() > PerfMap::kMaxNameBytes || map.find({function.runtime_start}) != &function ||
        map.find({function.runtime_end - 1}) != &function) {
      std::abort();
    }
    last_end = function.runtime_end;
  }
  return 0;
}
