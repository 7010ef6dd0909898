// SPDX-License-Identifier: Apache-2.0
// Resolves the addresses of one module: symbol tables, PLT stubs, and what the debug information adds. Offline side; in
// a process of its own (isolated_work.h), as the file may be anything.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "symbolizer/symbolizer.h"

namespace flarestack {

struct ResolvedModule {
  // Those that were asked about, then the entries of the functions with lines that they are in: who has a function asks
  // next where it begins, and the module would be opened again.
  std::vector<uint64_t> addresses;
  std::vector<std::vector<SymbolFrame>> frames;  // per address, innermost first, at least one
  ModuleSymbols symbols;
  std::vector<std::string>
      files;                      // that the answer depends on, by being there or not; empty: the module cannot be read
  bool wants_debug_file = false;  // a debug file would give more
};

enum class SymbolDetail : uint8_t { kEverything, kNamesOnly };  // the latter reads no debug information

// `addresses` are module offsets, ascending and unique. Never fails: see Symbolizer::resolve.
ResolvedModule resolve_module(const SymbolModule& module, std::span<const uint64_t> addresses,
                              const SymbolizerOptions& options, SymbolDetail detail = SymbolDetail::kEverything);

// "module+0x1234", the name of what has no symbol; "0x1234" without a path.
SymbolFrame unresolved_frame(const std::string& module_path, uint64_t address);

}  // namespace flarestack
