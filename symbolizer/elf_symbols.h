// SPDX-License-Identifier: Apache-2.0
// Walks over the symbols of an ELF file. Offline side; one thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include <gelf.h>

#include "symbolizer/module_file.h"

namespace flarestack {

// Calls take(symbol, name) for each named symbol of the tables of `elf`; broken tables have none.
template <typename Take>
void for_each_symbol(Elf* elf, Take take) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_entsize == 0 ||
        (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM)) {
      continue;
    }
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) continue;
    const size_t count = std::min<size_t>(data->d_size / header.sh_entsize, INT32_MAX);
    for (size_t i = 1; i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name != nullptr && name[0] != '\0') take(symbol, name);
    }
  }
}

// The same for what libdwfl finds and unpacks besides, .gnu_debugdata for one; addresses are the module's own.
template <typename Take>
void for_each_symbol_of_module(ModuleFile& file, Take take) {
  const int count = dwfl_module_getsymtab(file.dwfl_module());
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    const char* name = dwfl_module_getsym_info(file.dwfl_module(), i, &symbol, &address, &section, nullptr, nullptr);
    if (name != nullptr) {
      symbol.st_value = address - file.dwfl_bias();
      take(symbol, name);
    }
  }
}

}  // namespace flarestack
