// SPDX-License-Identifier: Apache-2.0
// load_profile(), apart from build_profile() so that who needs no file and no ELF reader links none.
#include <memory>

#include "model/profile.h"
#include "trace/bundle.h"
#include "trace/reader.h"

namespace flarestack {
namespace {

class BundleAnswers : public BundledFiles {
 public:
  explicit BundleAnswers(const TraceBundle& bundle) : bundle_(bundle) {}  // borrowed
  Fd open(BundledKind kind, std::span<const uint8_t> id) const override { return bundle_.open(kind, id); }

 private:
  const TraceBundle& bundle_;
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
  const TraceBundle bundle(path, std::move(bundled));
  const BundleAnswers bundle_answers(bundle);

  std::unique_ptr<Symbolizer> symbolizer;
  const SymbolSource ask = [&](const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
    if (!symbolizer) {
      SymbolizerOptions symbol_options;
      symbol_options.cache_directory = default_cache_directory();
      symbol_options.inline_frames = options.inline_frames;
      std::vector<SymbolModule> with_bundle = modules;
      for (SymbolModule& module : with_bundle) {
        if (!bundle.files().empty()) module.bundle = &bundle_answers;
      }
      symbolizer = std::make_unique<Symbolizer>(std::move(with_bundle), symbol_options);
    }
    SymbolAnswer answer;
    answer.frames = symbolizer->resolve(queries);
    answer.modules = symbolizer->modules();
    return answer;
  };
  return build_profile(builder.finish(reader->damage()), options, ask);
}

}  // namespace flarestack
