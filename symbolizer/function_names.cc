// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/function_names.h"

#include <algorithm>

#include <dwarf.h>

#include "symbolizer/demangle.h"
#include "symbolizer/dwarf_attributes.h"

namespace flarestack {
namespace {

constexpr unsigned kMaxScopes = 32;
constexpr std::string_view kUnnamedType = "{unnamed type}::";

std::string linkage_name(Dwarf_Die die) {
  std::string name = string_attribute(die, DW_AT_linkage_name);
  return name.empty() ? string_attribute(die, DW_AT_MIPS_linkage_name) : name;
}

bool follow(Dwarf_Die& die, unsigned name) {
  const std::optional<Dwarf_Die> target = referenced_entry(die, name);
  die = target.value_or(die);
  return target.has_value();
}

std::string scope_name(Dwarf_Die die) {
  if (const std::string mangled = linkage_name(die); is_mangled(mangled)) {
    return demangle(mangled);
  }
  if (std::string name = string_attribute(die, DW_AT_name); !name.empty()) {
    return name;
  }
  switch (dwarf_tag(&die)) {
    case DW_TAG_namespace:
      return "(anonymous namespace)";
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
      return std::string(kUnnamedType.substr(0, kUnnamedType.size() - 2));
    default:
      return {};
  }
}

bool is_scope(int tag) {
  switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
    case DW_TAG_interface_type:
    case DW_TAG_module:
    case DW_TAG_subprogram:
      return true;
    default:
      return false;
  }
}

}  // namespace

const FunctionName& FunctionNames::of(Dwarf_Die die) {
  // An inlined call, and a part of a function that the compiler cut off, name the function that they come from.
  follow(die, DW_AT_abstract_origin);
  const auto [found, is_new] = names_.try_emplace(die.addr);
  if (is_new) {
    found->second = read(die);
  }
  return found->second;
}

FunctionName FunctionNames::read(Dwarf_Die die) {
  const std::string linkage = linkage_name(die);
  if (is_mangled(linkage)) {
    return {demangle(linkage), false};
  }
  // A linkage name that is not mangled is an alias ("__GI_setlocale"): the source's own name says more.
  const std::string name = string_attribute(die, DW_AT_name);
  if (name.empty()) {
    return {linkage, true};
  }
  std::string scope = scope_of(die);
  if (name.starts_with("operator()") && scope.ends_with(kUnnamedType)) {
    scope.replace(scope.size() - kUnnamedType.size(), kUnnamedType.size(), "{lambda}::");
  }
  return {scope + name, true};
}

FunctionNames::Unit& FunctionNames::unit_of(Dwarf_Die die) {
  const auto [found, is_new] = units_.try_emplace(die.cu);
  Unit& unit = found->second;
  Dwarf_Die root;
  if (is_new && dwarf_cu_die(die.cu, &root, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) != nullptr) {
    unit.reader = UnitReader::open(root);
    UnitReader::Entry entry;
    if (unit.reader && unit.reader->root(entry)) {
      for (const uint8_t* position = entry.children; unit.reader->read(position, entry);
           position = unit.reader->after(entry)) {
        unit.starts.push_back(position);
      }
    }
  }
  return unit;
}

// "outer::inner::", or nothing.
std::string FunctionNames::scope_of(Dwarf_Die die) {
  for (unsigned i = 0; i < 4 && (follow(die, DW_AT_abstract_origin) || follow(die, DW_AT_specification)); ++i) {
  }
  Unit& unit = unit_of(die);
  if (!unit.reader) {
    return {};
  }
  const auto* target = static_cast<const uint8_t*>(die.addr);
  auto outermost = std::upper_bound(unit.starts.begin(), unit.starts.end(), target);
  std::string result;
  UnitReader::Entry entry;
  const uint8_t* position = outermost == unit.starts.begin() ? nullptr : *(outermost - 1);
  for (unsigned depth = 0; depth < kMaxScopes && position != target && unit.reader->read(position, entry);) {
    const uint8_t* next = unit.reader->after(entry);
    if (next == nullptr || target < next) {  // it is below this entry
      if (is_scope(entry.shape->tag)) {
        // The mangled name of an enclosing function or class has all that is further out.
        const Dwarf_Die scope = unit.reader->die(entry);
        if (is_mangled(linkage_name(scope))) {
          result.clear();
        }
        if (const std::string name = scope_name(scope); !name.empty()) {
          result += name;
          result += "::";
        }
      }
      position = entry.children;
      ++depth;
    } else {
      position = next;
    }
  }
  return position == target ? result : std::string();
}

}  // namespace flarestack
