// SPDX-License-Identifier: Apache-2.0
// load_profile(), apart from build_profile() so that who needs no file and no ELF reader links none.
#include <memory>

#include "model/profile.h"
#include "trace/reader.h"

namespace flarestack {

Result<Profile> load_profile(const std::string& path, const ProfileOptions& options) {
  auto reader = TraceReader::open(path);
  if (!reader) return reader.error();
  RecordingBuilder builder;
  while (const auto record = reader->next()) builder.add(*record);

  std::unique_ptr<Symbolizer> symbolizer;
  const SymbolSource ask = [&](const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
    if (!symbolizer) {
      SymbolizerOptions symbol_options;
      symbol_options.cache_directory = default_cache_directory();
      symbol_options.inline_frames = options.inline_frames;
      symbolizer = std::make_unique<Symbolizer>(modules, symbol_options);
    }
    SymbolAnswer answer;
    answer.frames = symbolizer->resolve(queries);
    answer.modules = symbolizer->modules();
    return answer;
  };
  return build_profile(builder.finish(reader->damage()), options, ask);
}

}  // namespace flarestack
