// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/dwarf_attributes.h"

#include <dwarf.h>

namespace flarestack {
namespace {

constexpr unsigned kMaxReferences = 16;  // from one entry to the next; compilers write at most three

}  // namespace

std::optional<Dwarf_Die> referenced_entry(Dwarf_Die die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Die target;
  if (dwarf_attr(&die, name, &attribute) == nullptr) {
    return std::nullopt;
  }
  const unsigned form = dwarf_whatform(&attribute);
  if (form == DW_FORM_ref_sup4 || form == DW_FORM_ref_sup8) {
    attribute.form =
        form == DW_FORM_ref_sup4 ? DW_FORM_data4 : DW_FORM_data8;  // the same bytes, bounds-checked by libdw
    Dwarf_Word offset = 0;
    Dwarf* supplementary = dwarf_getalt(dwarf_cu_getdwarf(die.cu));
    if (supplementary == nullptr || dwarf_formudata(&attribute, &offset) != 0 ||
        dwarf_offdie(supplementary, offset, &target) == nullptr) {
      return std::nullopt;
    }
    return target;
  }
  return dwarf_formref_die(&attribute, &target) == nullptr ? std::nullopt : std::optional(target);
}

std::string string_attribute(Dwarf_Die die, unsigned name) {
  for (unsigned i = 0; i < kMaxReferences; ++i) {
    Dwarf_Attribute attribute;
    if (const char* text = dwarf_formstring(dwarf_attr(&die, name, &attribute)); text != nullptr) {
      return text;
    }
    std::optional<Dwarf_Die> next = referenced_entry(die, DW_AT_abstract_origin);
    if (!next) {
      next = referenced_entry(die, DW_AT_specification);
    }
    if (!next) {
      break;
    }
    die = *next;
  }
  return {};
}

uint64_t number_attribute(Dwarf_Die die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  return dwarf_formudata(dwarf_attr(&die, name, &attribute), &value) == 0 ? value : 0;
}

}  // namespace flarestack
