// SPDX-License-Identifier: Apache-2.0
// UnitIndex: which DWARF unit holds the code at an address. Offline side; one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <elfutils/libdw.h>

#include "symbolizer/symbol_table.h"

namespace flarestack {

// A unit and the addresses that it may know, as indices into the array that was asked about.
struct UnitHits {
  Dwarf_Off unit = 0;  // offset of the unit's own entry in .debug_info
  uint64_t bytes = 0;  // of the unit's entries: the work that it takes
  std::vector<uint32_t> addresses;
};

// The units that hold some of the ascending addresses, by .debug_aranges, and for units that are not in there (clang
// and rustc write none by default) by the ranges of the unit's own entry. Ranges that start outside of `code` are of
// functions that the linker discarded, and overlap real ones: they are left out.
std::vector<UnitHits> find_units(Dwarf* dwarf, std::span<const uint64_t> addresses, std::span<const CodeSection> code);

// Is `address` in one of the ascending sections?
bool in_code(std::span<const CodeSection> code, uint64_t address);

}  // namespace flarestack
