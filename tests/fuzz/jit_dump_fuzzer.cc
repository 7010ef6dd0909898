// SPDX-License-Identifier: Apache-2.0
// links: flarestack_base
// Any bytes as a jitdump: as many answers as questions, none longer than promised, at each address the dump speaks of.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/jit_dump.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flarestack;  // NOLINT: a program of one function
  const JitDump dump = JitDump::parse({reinterpret_cast<const char*>(data), size});
  std::vector<JitQuery> queries;
  for (size_t at = 0; at + 8 <= size && queries.size() < 256; at += 8) {
    JitQuery query;
    std::memcpy(&query.lookup.value, data + at, 8);
    std::memcpy(&query.monotonic_ns, data + size - 8, 8);
    queries.push_back(query);
  }
  const std::vector<JitPlace> places = dump.resolve(queries);
  if (places.size() != queries.size()) {
    std::abort();
  }
  for (const JitPlace& place : places) {
    if (place.name.size() > 1024 || place.file.size() > 4096 || (dump.loads() == 0 && !place.name.empty())) {
      std::abort();
    }
  }
  return 0;
}
