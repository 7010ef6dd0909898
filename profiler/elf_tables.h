// SPDX-License-Identifier: Apache-2.0
// The tables of an ELF file that say how its code is called: symbols, and the places that the loader fills. No byte of
// the file is trusted. Recorder side.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <gelf.h>

namespace flarestack {

// An open file, read and not mapped: one that is cut while it is mapped raises SIGBUS.
class ElfFile {
 public:
  explicit ElfFile(int descriptor);  // borrowed
  ~ElfFile();
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  Elf* get() const { return elf_; }
  // A program or a library for x86-64.
  bool is_usable() const;

 private:
  Elf* elf_ = nullptr;
};

// One table of symbols, which stays in the ElfFile's memory.
struct ElfSymbols {
  const Elf64_Sym* symbols = nullptr;
  size_t count = 0;
  const char* names = nullptr;
  size_t names_bytes = 0;
  bool is_dynamic = false;     // .dynsym
  size_t section = 0;          // its index
  GElf_Addr file_address = 0;  // where it is loaded, as a virtual address of the file

  // Empty: a damaged one.
  std::string_view name(const Elf64_Sym& symbol) const;
};

// .dynsym and .symtab, as far as they are there.
std::vector<ElfSymbols> elf_symbols(Elf* elf);

// The relocations that the loader carries out with the symbols of a section, or with none (R_X86_64_RELATIVE).
struct ElfRelocations {
  const Elf64_Rela* relocations = nullptr;
  size_t count = 0;
  size_t symbols_section = 0;
};
std::vector<ElfRelocations> elf_relocations(Elf* elf);

// A function that is there, and is not one that chooses another (STT_GNU_IFUNC).
bool is_defined_function(const Elf64_Sym& symbol);

}  // namespace flarestack
