// SPDX-License-Identifier: Apache-2.0
// The payload of result_cache.h.
#include "symbolizer/result_cache.h"

namespace flarestack {

std::string encode_cached_module(std::span<const uint8_t> build_id, const CachedModule& module) {
  std::string out;
  put_text(out, {reinterpret_cast<const char*>(build_id.data()), build_id.size()});
  put_uleb(out, module.witnesses.size());
  for (const CacheWitness& witness : module.witnesses) {
    put_text(out, witness.path);
    put_uleb(out, witness.exists ? 1 : 0);
    put_uleb(out, uint64_t(witness.modified_ns));
    put_uleb(out, witness.size_bytes);
  }
  put_uleb(out, uint64_t(module.symbols.level));
  put_text(out, module.symbols.problem);
  put_text(out, module.symbols.remedy);
  module.locations.encode(out);
  return out;
}

std::optional<CachedModule> decode_cached_module(std::span<const uint8_t> build_id, std::vector<uint8_t> payload) {
  CachedModule module;
  module.payload = std::move(payload);
  ByteReader reader(module.payload);
  if (take_text(reader) != std::string_view(reinterpret_cast<const char*>(build_id.data()), build_id.size())) {
    return std::nullopt;
  }
  for (uint64_t count = reader.uleb(); count > 0 && !reader.failed(); --count) {
    CacheWitness& witness = module.witnesses.emplace_back();
    witness.path = take_text(reader);
    witness.exists = reader.uleb() != 0;
    witness.modified_ns = int64_t(reader.uleb());
    witness.size_bytes = reader.uleb();
  }
  const uint64_t level = reader.uleb();
  if (level > uint64_t(ModuleSymbols::Level::kLines)) {
    return std::nullopt;
  }
  module.symbols.level = ModuleSymbols::Level(level);
  module.symbols.problem = take_text(reader);
  module.symbols.remedy = take_text(reader);
  if (!module.locations.decode(reader) || !reader.at_end()) {
    return std::nullopt;
  }
  return module;
}

}  // namespace flarestack
