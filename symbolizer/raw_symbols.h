// SPDX-License-Identifier: Apache-2.0
// The ELF symbols that cover offsets of a module, by the names that the linker knows: variables, which the Symbolizer
// does not look for, and functions as suppression files name them. Offline side; each call opens the module anew.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "symbolizer/symbolizer.h"

namespace flarestack {

enum class SymbolSort : uint8_t { kFunction, kVariable };

struct RawSymbol {
  std::string name;         // mangled, without a version; empty: no symbol covers the offset
  uint64_t offset = 0;      // where it begins
  uint64_t size_bytes = 0;  // 0: of a function, unknown
};

// One for each of `offsets`, in their order; all without a name where the module's file is gone or another one now.
// Thread-local variables have no offset in a module and are not looked for.
std::vector<RawSymbol> raw_symbols(const SymbolModule& module, std::span<const uint64_t> offsets, SymbolSort sort);

}  // namespace flarestack
