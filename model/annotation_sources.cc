// SPDX-License-Identifier: Apache-2.0
// annotation_sources(), apart from annotate() so that who needs no file and no ELF reader links none.
#include <memory>

#include "model/annotation.h"
#include "symbolizer/raw_symbols.h"

namespace flarestack {

AnnotationSources annotation_sources(bool inline_frames) {
  AnnotationSources sources;
  sources.symbols = [inline_frames](const std::vector<SymbolModule>& modules, std::span<const SymbolQuery> queries) {
    SymbolizerOptions options;
    options.cache_directory = default_cache_directory();
    options.inline_frames = inline_frames;
    Symbolizer symbolizer(modules, options);
    SymbolAnswer answer;
    answer.frames = symbolizer.resolve(queries);
    answer.modules = symbolizer.modules();
    return answer;
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
