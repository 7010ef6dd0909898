// SPDX-License-Identifier: Apache-2.0
// What the debug information of a module says about many addresses, by several threads if it is much to read. Offline
// side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "symbolizer/debug_info.h"
#include "symbolizer/module_file.h"
#include "symbolizer/symbolizer.h"

namespace flarestack {

// What is worth a thread: this many bytes of units take 30 ms, some twenty times what opening the file again costs.
constexpr uint64_t kUnitBytesPerThread = 8 << 20;

struct DebugLocations {
  std::vector<DebugLocation> locations;  // one of each address; empty where DWARF knows nothing
  std::vector<EntryLocation> entries;    // of the functions that they are in; in no order, perhaps one of the addresses
};

// `addresses`: module offsets, ascending and unique. `file` is the opened `module`; more threads open it for
// themselves.
DebugLocations find_debug_locations(const SymbolModule& module, ModuleFile& file, std::span<const uint64_t> addresses,
                                    std::span<const CodeSection> code, const SymbolizerOptions& options,
                                    uint64_t unit_bytes_per_thread = kUnitBytesPerThread);

}  // namespace flarestack
