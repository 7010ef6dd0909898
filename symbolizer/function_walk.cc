// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/function_walk.h"

#include <algorithm>

#include <dwarf.h>

#include "symbolizer/unit_index.h"

namespace flarestack {
namespace {

constexpr unsigned kMaxDepth = 256;

// C and C++ compilers put functions with code directly under the unit or a namespace, never into a type; that lets a
// walk step over the types, which are most of a unit.
bool is_c_family(int language) {
  switch (language) {
    case DW_LANG_C89:
    case DW_LANG_C:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
    case DW_LANG_Mips_Assembler:
      return true;
    default:
      return false;
  }
}

}  // namespace

FunctionWalk::FunctionWalk(const UnitReader& unit, int language, std::span<const uint64_t> addresses,
                           std::span<const CodeSection> code)
    : unit_(unit),
      types_hold_functions_(!is_c_family(language)),
      addresses_(addresses),
      code_(code),
      chains_(addresses.size()) {}

std::vector<std::vector<Dwarf_Die>> FunctionWalk::run() {
  UnitReader::Entry root;
  if (unit_.root(root) && root.shape->has_children) {
    walk_scope(root.children, 0);
    // Functions in functions (GNU C, Fortran, Ada), and whatever a producer does that we have not thought of.
    if (std::any_of(chains_.begin(), chains_.end(), [](const auto& chain) { return chain.empty(); })) {
      search_everything_ = true;
      walk_scope(root.children, 0);
    }
  }
  return std::move(chains_);
}

bool FunctionWalk::holds_functions(int tag) const {
  switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
      return true;
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
    case DW_TAG_interface_type:
      return types_hold_functions_ || search_everything_;
    default:
      return search_everything_;
  }
}

const uint8_t* FunctionWalk::walk_scope(const uint8_t* position, unsigned depth) {
  UnitReader::Entry entry;
  while (depth < kMaxDepth && unit_.read(position, entry)) {
    if (entry.shape->tag == DW_TAG_subprogram && entry.shape->has_code) {
      visit_function(entry, depth);
    }
    position = entry.shape->has_children && holds_functions(entry.shape->tag) ? walk_scope(entry.children, depth + 1)
                                                                              : unit_.after(entry);
  }
  return unit_.after_list(position);
}

void FunctionWalk::visit_function(const UnitReader::Entry& entry, unsigned depth) {
  const Dwarf_Die die = unit_.die(entry);
  Indices inside = covered(die, nullptr);
  std::erase_if(inside, [&](uint32_t index) { return !chains_[index].empty(); });
  if (inside.empty()) {
    return;
  }
  for (const uint32_t index : inside) {
    chains_[index].push_back(die);
  }
  if (entry.shape->has_children) {
    walk_function(entry.children, inside, depth + 1);
  }
}

const uint8_t* FunctionWalk::walk_function(const uint8_t* position, const Indices& inside, unsigned depth) {
  UnitReader::Entry entry;
  while (depth < kMaxDepth && unit_.read(position, entry)) {
    const int tag = entry.shape->tag;
    if (entry.shape->has_children && (tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
                                      tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt)) {
      position = walk_function(entry.children, inside, depth + 1);
      continue;
    }
    if (tag == DW_TAG_inlined_subroutine && entry.shape->has_code) {
      const Dwarf_Die die = unit_.die(entry);
      const Indices here = covered(die, &inside);
      for (const uint32_t index : here) {
        chains_[index].push_back(die);
      }
      if (!here.empty() && entry.shape->has_children) {
        position = walk_function(entry.children, here, depth + 1);
        continue;
      }
    }
    position = unit_.after(entry);
  }
  return unit_.after_list(position);
}

// The indices of the addresses that `die`'s ranges cover, ascending; of `among` if that is given.
FunctionWalk::Indices FunctionWalk::covered(Dwarf_Die die, const Indices* among) const {
  Indices result;
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  for (ptrdiff_t next = 0; (next = dwarf_ranges(&die, next, &base, &start, &end)) > 0;) {
    if (among != nullptr) {
      auto index = std::lower_bound(among->begin(), among->end(), start,
                                    [&](uint32_t i, Dwarf_Addr value) { return addresses_[i] < value; });
      for (; index != among->end() && addresses_[*index] < end; ++index) {
        result.push_back(*index);
      }
      continue;
    }
    auto address = std::lower_bound(addresses_.begin(), addresses_.end(), start);
    if (address == addresses_.end() || *address >= end || !in_code(code_, start)) {
      continue;
    }
    for (; address != addresses_.end() && *address < end; ++address) {
      result.push_back(uint32_t(address - addresses_.begin()));
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

}  // namespace flarestack
