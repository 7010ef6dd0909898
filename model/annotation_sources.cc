// SPDX-License-Identifier: Apache-2.0
// annotation_sources(), apart from annotate() so that who needs no file and no ELF reader links none.
#include <memory>

#include "model/annotation.h"
#include "symbolizer/raw_symbols.h"

namespace flarestack {

namespace {

// The Symbolizer of the module that was asked about last: pieces of one module follow each other, and its children have
// the file open.
class LastSymbolizer {
 public:
  explicit LastSymbolizer(bool inline_frames) : inline_frames_(inline_frames) {}

  SymbolAnswer answer(const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
    std::vector<ModuleId> ids;
    for (const SymbolModule& module : modules) ids.push_back(module.id);
    if (symbolizer_ == nullptr || ids != ids_) {
      SymbolizerOptions options;
      options.cache_directory = default_cache_directory();
      options.inline_frames = inline_frames_;
      symbolizer_ = std::make_unique<Symbolizer>(modules, options);
      ids_ = std::move(ids);
    }
    SymbolAnswer answer;
    answer.frames = symbolizer_->resolve(queries);
    answer.modules = symbolizer_->modules();
    return answer;
  }

 private:
  bool inline_frames_;
  std::vector<ModuleId> ids_;
  std::unique_ptr<Symbolizer> symbolizer_;
};

}  // namespace

AnnotationSources annotation_sources(bool inline_frames) {
  AnnotationSources sources;
  const auto symbolizer = std::make_shared<LastSymbolizer>(inline_frames);
  sources.symbols = [symbolizer](const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
    return symbolizer->answer(modules, queries);
  };
  sources.code = read_function_code;
  sources.text = read_source;
  sources.data_names = [](const SymbolModule& module, const std::vector<uint64_t>& offsets) {
    std::vector<std::string> names;
    for (RawSymbol& symbol : raw_symbols(module, offsets, SymbolSort::kVariable)) names.push_back(symbol.name);
    return names;
  };
  return sources;
}

}  // namespace flarestack
