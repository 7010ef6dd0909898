// SPDX-License-Identifier: Apache-2.0
// links: flarestack_symbolizer
// Any bytes as a module: each of its addresses has a frame with a name, and the module a level or a problem. A debug
// file is not looked for.
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/fd.h"
#include "symbolizer/symbolizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flarestack;  // NOLINT: a program of one function
  const Fd file(memfd_create("module", MFD_CLOEXEC));
  if (!file || !write_all(file.get(), {reinterpret_cast<const char*>(data), size}, "memfd").ok()) {
    std::abort();
  }
  SymbolizerOptions options;
  options.threads = 1;
  options.debug_directories = {};
  Symbolizer symbolizer({{ModuleId{1}, "/proc/self/fd/" + std::to_string(file.get()), {}}}, options);
  std::vector<SymbolQuery> queries;
  for (uint64_t offset = 0x200; offset < 0x340; offset += 5) {
    queries.push_back({ModuleId{1}, ModuleOffset{offset}});
  }
  const auto frames = symbolizer.resolve(queries);
  for (const std::vector<SymbolFrame>& location : frames) {
    if (location.empty() || location.back().inlined || location.front().function.empty()) {
      std::abort();
    }
  }
  const ModuleSymbols symbols = symbolizer.modules().at(0);
  if (symbols.level == ModuleSymbols::Level::kNone && symbols.problem.empty()) {
    std::abort();
  }
  return 0;
}
