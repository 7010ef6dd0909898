// SPDX-License-Identifier: Apache-2.0
// FunctionNames: names of DWARF functions as a programmer would write them, each worked out once. Offline side; one
// thread.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <elfutils/libdw.h>

#include "symbolizer/unit_reader.h"

namespace flarestack {

struct FunctionName {
  std::string text;    // demangled; perhaps empty
  bool plain = false;  // there was no mangled name: a linker symbol may know better
};

class FunctionNames {
 public:
  // The name of a function or inlined call. The mangled name of its definition or declaration, or else its source name
  // behind the scopes it is in: compilers give no mangled name to lambdas and to members of local classes. Borrowed
  // until the FunctionNames dies.
  const FunctionName& of(Dwarf_Die die);

 private:
  // A unit of which some name needed its scopes, and where its outermost entries start.
  struct Unit {
    std::optional<UnitReader> reader;
    std::vector<const uint8_t*> starts;
  };
  FunctionName read(Dwarf_Die die);
  std::string scope_of(Dwarf_Die die);
  Unit& unit_of(Dwarf_Die die);

  std::unordered_map<const void*, FunctionName> names_;  // by the entry of the definition
  std::unordered_map<const Dwarf_CU*, Unit> units_;
};

}  // namespace flarestack
