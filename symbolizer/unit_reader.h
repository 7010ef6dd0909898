// SPDX-License-Identifier: Apache-2.0
// UnitReader: steps over the entries (DIEs) of one DWARF unit. Offline side; borrowed data of a Dwarf handle, one
// thread.
//
// Problem: a unit of a C++ program has 10^5 entries, of which a dozen matter to a profile: the functions that were hit
// and what is inlined into them. Options: libdw's dwarf_child and dwarf_siblingof find their way by decoding the
// attributes of each entry one by one, twice; dwarf_getscopes does that once per ADDRESS. Choice: the abbreviations
// are compiled into the sizes of their entries once per unit, and entries that do not matter are stepped over; those
// that do are handed to libdw. Cost: this file; gain: docs/symbols.md.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include <elfutils/libdw.h>

namespace flarestack {

// One abbreviation, compiled: the attributes of its entries are steps, each a number of bytes or a form whose size
// depends on the data.
struct EntryShape {
  uint16_t tag = 0;  // 0: no such abbreviation
  bool has_children = false;
  bool has_code = false;  // DW_AT_low_pc, DW_AT_ranges or DW_AT_entry_pc
  // DW_AT_sibling, if it is behind attributes of fixed size only: its distance from the first one, and its size.
  uint16_t sibling_offset = 0;
  uint8_t sibling_bytes = 0;   // 0: none
  std::vector<int32_t> steps;  // bytes, or minus the form
};

class UnitReader {
 public:
  // An entry. Positions are pointers into the unit's data.
  struct Entry {
    const EntryShape* shape = nullptr;
    const uint8_t* start = nullptr;
    const uint8_t* children = nullptr;  // behind the attributes: the first child, or else the next sibling
    const uint8_t* sibling = nullptr;   // where DW_AT_sibling leads; nullptr: there is none
  };

  // `unit` is a unit's own entry, as dwarf_offdie or dwarf_cu_info gives it. None: the unit's data make no sense.
  static std::optional<UnitReader> open(Dwarf_Die unit);

  // The unit's own entry, from which a walk starts. False: broken.
  bool root(Entry& entry) const { return read(static_cast<const uint8_t*>(unit_.addr), entry); }
  // The entry at `position`; false: the end of a list of siblings, the end of the unit, or broken data.
  bool read(const uint8_t* position, Entry& entry) const;
  // What follows the list of siblings that ends at `position`, where read() has said false. nullptr: broken.
  const uint8_t* after_list(const uint8_t* position) const;
  // Where the entry after `entry` and all below it starts. nullptr: broken.
  const uint8_t* after(const Entry& entry) const;
  // The same entry for libdw.
  Dwarf_Die die(const Entry& entry) const;

 private:
  explicit UnitReader(Dwarf_Die unit) : unit_(unit) {}
  void compile_abbreviations();
  const EntryShape* shape(uint64_t code) const;
  const uint8_t* skip_form(const uint8_t* position, int form) const;
  std::optional<int> fixed_size(unsigned form) const;

  Dwarf_Die unit_;
  const uint8_t* start_ = nullptr;  // of the unit's header: references count from here
  const uint8_t* end_ = nullptr;
  uint8_t address_bytes_ = 8;
  uint8_t offset_bytes_ = 4;
  uint16_t version_ = 0;
  std::vector<EntryShape> dense_;  // by code: producers count from 1
  std::unordered_map<uint64_t, EntryShape> sparse_;
};

}  // namespace flarestack
