// SPDX-License-Identifier: Apache-2.0
// symbolize_bench FILE [CACHE_DIRECTORY] < addresses: resolves the hexadecimal module offsets on stdin, as one report
// does, and prints what came of it and how long it took. Driven by symbolize.sh.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "symbolizer/module_file.h"
#include "symbolizer/symbolizer.h"

int main(int argc, char** argv) {
  using namespace flarestack;  // NOLINT: a program of one function
  if (argc < 2) {
    std::fprintf(stderr, "usage: symbolize_bench FILE [CACHE_DIRECTORY] < addresses\n");
    return 2;
  }
  std::vector<SymbolQuery> queries;
  for (uint64_t address = 0; std::scanf("%" SCNx64, &address) == 1;) {
    queries.push_back({ModuleId{1}, ModuleOffset{address}});
  }
  SymbolModule module{ModuleId{1}, argv[1], {}};
  if (Result<ModuleFile> file = ModuleFile::open(module, {}); file.ok()) {
    module.build_id = read_build_id(file->elf());
  }
  SymbolizerOptions options;
  options.cache_directory = argc > 2 ? argv[2] : "";
  const auto start = std::chrono::steady_clock::now();
  Symbolizer symbolizer({module}, options);
  const auto frames = symbolizer.resolve(queries);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  size_t count = 0;
  size_t lines = 0;
  for (const std::vector<SymbolFrame>& location : frames) {
    count += location.size();
    lines += location.front().line != 0 ? 1 : 0;
  }
  std::printf("%zu addresses, %zu with a line, %zu frames, %.1f ms\n", frames.size(), lines, count, time.count());
}
