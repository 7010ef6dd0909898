// SPDX-License-Identifier: Apache-2.0
// load_profile(), apart from build_profile() so that who needs no file and no ELF reader links none.
#include <memory>

#include "model/profile.h"
#include "trace/bundle.h"
#include "trace/reader.h"

namespace flarestack {
namespace {

class BundleOfTrace : public BundledFiles {
 public:
  BundleOfTrace(const std::string& trace_path, std::vector<BundledFileRecord> files)
      : bundle_(trace_path, std::move(files)) {}
  Fd open(BundledKind kind, std::span<const uint8_t> id) const override { return bundle_.open(kind, id); }
  Fd open_source(const std::string& path) const override { return bundle_.open_source(path); }

 private:
  TraceBundle bundle_;
};

}  // namespace

Result<Profile> load_profile(const std::string& path, const ProfileOptions& options) {
  auto reader = TraceReader::open(path);
  if (!reader) return reader.error();
  RecordingBuilder builder;
  std::vector<BundledFileRecord> bundled;
  while (const auto record = reader->next()) {
    builder.add(*record);
    if (const auto* file = std::get_if<BundledFileRecord>(&*record)) bundled.push_back(*file);
  }
  std::shared_ptr<const BundledFiles> bundle;
  if (!bundled.empty()) bundle = std::make_shared<BundleOfTrace>(path, std::move(bundled));

  std::unique_ptr<Symbolizer> symbolizer;
  const SymbolSource ask = [&](const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
    if (!symbolizer) {
      SymbolizerOptions symbol_options;
      symbol_options.cache_directory = default_cache_directory();
      symbol_options.inline_frames = options.inline_frames;
      std::vector<SymbolModule> with_bundle = modules;
      for (SymbolModule& module : with_bundle) module.bundle = bundle.get();
      symbolizer = std::make_unique<Symbolizer>(std::move(with_bundle), symbol_options);
    }
    SymbolAnswer answer;
    answer.frames = symbolizer->resolve(queries);
    answer.modules = symbolizer->modules();
    return answer;
  };
  Result<Profile> profile = build_profile(builder.finish(reader->damage()), options, ask);
  if (profile.ok()) profile->bundle = std::move(bundle);
  return profile;
}

}  // namespace flarestack
