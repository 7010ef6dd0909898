// SPDX-License-Identifier: Apache-2.0
// What of an ELF file leads a caller to a function by its name: the exporting file's symbol table, which the loader
// looks the name up in, and the slots of all files, in which it keeps what it found. The file's bytes are not trusted;
// what is damaged is left out. Addresses are the files' own (virtual addresses). Recorder side.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace flarestack {

struct ExportedName {
  std::string name;
  uint64_t function_address = 0;
  uint64_t value_address = 0;  // of the 8 bytes in the loaded symbol table that hold the function's
};

// The names under which the file of this descriptor exports the functions at these addresses.
std::vector<ExportedName> exported_names(int descriptor, const std::set<uint64_t>& functions);

struct BoundSlot {
  uint64_t slot_address = 0;      // of 8 bytes that hold the function's address at run time
  std::string name;               // that it was looked up by; empty: the file's own function, at
  uint64_t function_address = 0;  // this address
};

// The slots of the file for functions of these names, and for those of its own at these addresses.
std::vector<BoundSlot> bound_slots(int descriptor, const std::set<std::string, std::less<>>& names,
                                   const std::set<uint64_t>& own_functions);

}  // namespace flarestack
