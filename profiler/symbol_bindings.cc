// SPDX-License-Identifier: Apache-2.0
#include "profiler/symbol_bindings.h"

#include <algorithm>
#include <cstddef>

#include "profiler/elf_tables.h"

namespace flarestack {
namespace {

// The System V ABI's x86-64 supplement, 4.4: those that hold the address of a symbol and nothing else.
bool holds_symbol(const Elf64_Rela& relocation) {
  const auto type = ELF64_R_TYPE(relocation.r_info);
  return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT || (type == R_X86_64_64 && relocation.r_addend == 0);
}

}  // namespace

std::vector<ExportedName> exported_names(int descriptor, const std::set<uint64_t>& functions) {
  std::vector<ExportedName> names;
  const ElfFile elf(descriptor);
  if (!elf.is_usable()) {
    return names;
  }
  for (const ElfSymbols& table : elf_symbols(elf.get())) {
    for (size_t i = 0; table.is_dynamic && table.file_address != 0 && i < table.count; ++i) {
      const Elf64_Sym& symbol = table.symbols[i];
      if (is_defined_function(symbol) && functions.contains(symbol.st_value) && !table.name(symbol).empty()) {
        names.push_back({std::string(table.name(symbol)), symbol.st_value,
                         table.file_address + i * sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_value)});
      }
    }
  }
  return names;
}

std::vector<BoundSlot> bound_slots(int descriptor, const std::set<std::string, std::less<>>& names,
                                   const std::set<uint64_t>& own_functions) {
  std::vector<BoundSlot> slots;
  const ElfFile elf(descriptor);
  if (!elf.is_usable()) {
    return slots;
  }
  const std::vector<ElfSymbols> symbols = elf_symbols(elf.get());
  for (const ElfRelocations& table : elf_relocations(elf.get())) {
    const auto named = std::find_if(symbols.begin(), symbols.end(),
                                    [&](const ElfSymbols& one) { return one.section == table.symbols_section; });
    for (size_t i = 0; i < table.count; ++i) {
      const Elf64_Rela& relocation = table.relocations[i];
      const uint64_t symbol = ELF64_R_SYM(relocation.r_info);
      const auto own_function = static_cast<uint64_t>(relocation.r_addend);
      if (ELF64_R_TYPE(relocation.r_info) == R_X86_64_RELATIVE && own_functions.contains(own_function)) {
        slots.push_back({relocation.r_offset, {}, own_function});
      } else if (holds_symbol(relocation) && named != symbols.end() && symbol < named->count) {
        if (const auto name = names.find(named->name(named->symbols[symbol])); name != names.end()) {
          slots.push_back({relocation.r_offset, *name, 0});
        }
      }
    }
  }
  return slots;
}

}  // namespace flarestack
