// SPDX-License-Identifier: Apache-2.0
// What the debug information of a module says about many addresses, by several threads if it is much to read. Offline side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "symbolizer/debug_info.h"
#include "symbolizer/module_file.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

// For each address (module offsets, ascending and unique); empty where DWARF knows nothing. `file` is the opened
// `module`; more threads open it for themselves.
std::vector<DebugLocation> find_debug_locations(const SymbolModule& module, ModuleFile& file,
                                                std::span<const uint64_t> addresses, std::span<const CodeSection> code,
                                                const SymbolizerOptions& options);

}  // namespace flarestack
