// SPDX-License-Identifier: Apache-2.0
// Attributes of DWARF entries, read through libdw. Offline side; the caller's Dwarf handles, so one thread.
//
// Not dwarf_attr_integrate and dwarf_formref_die as they are: elfutils 0.188 looks DW_FORM_ref_sup4 and ref_sup8 up in
// the file itself instead of the supplementary one, and gives the name of whatever is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <elfutils/libdw.h>

namespace flarestack {

// The entry that the attribute `name` of `die` refers to, in whatever file; none: it has no such attribute, or it
// leads nowhere.
std::optional<Dwarf_Die> referenced_entry(Dwarf_Die die, unsigned name);
// Of `die` itself, else of the entries that it completes or is a copy of; empty: none has it.
std::string string_attribute(Dwarf_Die die, unsigned name);
// Of `die` itself; 0: it has none.
uint64_t number_attribute(Dwarf_Die die, unsigned name);

}  // namespace flarestack
