// SPDX-License-Identifier: Apache-2.0
// DebugInfo: what DWARF says about addresses: source lines, functions, and the calls that were inlined. Offline side;
// one thread, since a Dwarf handle is.
//
// Each unit that is hit is read once, for all its addresses together (unit_reader.h says why).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <elfutils/libdw.h>

#include "symbolizer/split_units.h"
#include "symbolizer/symbolizer.h"
#include "symbolizer/unit_index.h"

namespace flarestack {

// What one address is. `frames` is empty if no function of the unit covers it (assembly); `file` and `line` may still
// be known. Otherwise frames.front() has that line.
struct DebugLocation {
  std::vector<SymbolFrame> frames;  // innermost first; the name of the last one may be empty
  std::string file;
  uint32_t line = 0;
  // The outermost function's name is as in the source, without its scope: a linker symbol may know better.
  bool plain_name = false;
};

// Where a function begins.
struct EntryLocation {
  uint64_t address = 0;
  DebugLocation location;
};

class DebugInfo {
 public:
  // Borrows both. All addresses here are as `dwarf` has them. `split`: where other halves of units may be.
  DebugInfo(Dwarf* dwarf, std::span<const CodeSection> code, SplitUnits::Sources split);
  ~DebugInfo();
  DebugInfo(const DebugInfo&) = delete;
  DebugInfo& operator=(const DebugInfo&) = delete;

  // Fills in `locations[i]` for every i of hits.addresses, the places in the ascending `addresses` that the unit holds.
  // A location that has frames already is left alone. Adds to `entries` those of the functions that were found, where
  // they are none of the unit's addresses: the unit need not be read for them again.
  void resolve(const UnitHits& hits, std::span<const uint64_t> addresses, std::span<DebugLocation> locations,
               std::vector<EntryLocation>& entries);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace flarestack
