// SPDX-License-Identifier: Apache-2.0
// links: flarestack_symbolizer
// Any payload of a cache file is refused, or means the same after it was written out again.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "symbolizer/result_cache.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> build_id{0xab, 0xcd};
  const auto module = flarestack::decode_cached_module(build_id, std::vector<uint8_t>(data, data + size));
  if (!module) {
    return 0;
  }
  const std::string bytes = flarestack::encode_cached_module(build_id, *module);
  const auto again = flarestack::decode_cached_module(build_id, std::vector<uint8_t>(bytes.begin(), bytes.end()));
  if (!again || again->locations.size() != module->locations.size() ||
      flarestack::encode_cached_module(build_id, *again) != bytes) {
    std::abort();
  }
  return 0;
}
