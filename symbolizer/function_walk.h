// SPDX-License-Identifier: Apache-2.0
// FunctionWalk: finds, for the addresses of one DWARF unit, the functions that hold them and the calls inlined there,
// in one pass over the unit's entries. Offline side; one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <elfutils/libdw.h>

#include "symbolizer/symbol_table.h"
#include "symbolizer/unit_reader.h"

namespace flarestack {

class FunctionWalk {
 public:
  // `addresses` (DWARF's, ascending) and `code` are borrowed.
  FunctionWalk(const UnitReader& unit, int language, std::span<const uint64_t> addresses,
               std::span<const CodeSection> code);

  // For each address its entries: DW_TAG_subprogram first, then each DW_TAG_inlined_subroutine within the last. Empty:
  // no function covers it.
  std::vector<std::vector<Dwarf_Die>> run();

 private:
  using Indices = std::vector<uint32_t>;
  // Both return what follows the list of entries at `position`; nullptr: broken data, or nested too deep.
  const uint8_t* walk_scope(const uint8_t* position, unsigned depth);
  const uint8_t* walk_function(const uint8_t* position, const Indices& inside, unsigned depth);
  void visit_function(const UnitReader::Entry& entry, unsigned depth);
  Indices covered(Dwarf_Die die, const Indices* among) const;
  bool holds_functions(int tag) const;

  const UnitReader& unit_;
  bool types_hold_functions_;
  bool search_everything_ = false;
  std::span<const uint64_t> addresses_;
  std::span<const CodeSection> code_;
  std::vector<std::vector<Dwarf_Die>> chains_;
};

}  // namespace flarestack
