// SPDX-License-Identifier: Apache-2.0
#include "profiler/elf_tables.h"

#include <cstdint>
#include <cstring>

namespace flarestack {
namespace {

constexpr uint64_t kMaxTableBytes = uint64_t{1} << 29;  // a sparse file may say that it holds any amount

// Of a table with entries of one size; without bytes: there are none, or too many.
template <typename Entry>
const Elf_Data* entries_of(Elf_Scn* section, const GElf_Shdr& header) {
  if (header.sh_entsize != sizeof(Entry) || header.sh_size > kMaxTableBytes) {
    return nullptr;
  }
  const Elf_Data* data = elf_getdata(section, nullptr);
  return data != nullptr && data->d_buf != nullptr ? data : nullptr;
}

}  // namespace

ElfFile::ElfFile(int descriptor) {
  elf_version(EV_CURRENT);
  elf_ = elf_begin(descriptor, ELF_C_READ, nullptr);
}

ElfFile::~ElfFile() { elf_end(elf_); }

bool ElfFile::is_usable() const {
  GElf_Ehdr header;
  return elf_ != nullptr && elf_kind(elf_) == ELF_K_ELF && gelf_getclass(elf_) == ELFCLASS64 &&
         gelf_getehdr(elf_, &header) != nullptr && header.e_machine == EM_X86_64 &&
         (header.e_type == ET_EXEC || header.e_type == ET_DYN);
}

std::string_view ElfSymbols::name(const Elf64_Sym& symbol) const {
  if (symbol.st_name >= names_bytes) {
    return {};
  }
  const char* text = names + symbol.st_name;
  const void* end = std::memchr(text, '\0', names_bytes - symbol.st_name);
  return end != nullptr ? std::string_view(text, static_cast<size_t>(static_cast<const char*>(end) - text))
                        : std::string_view();
}

std::vector<ElfSymbols> elf_symbols(Elf* elf) {
  constexpr size_t kMaxTables = 2;
  std::vector<ElfSymbols> tables;
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr && tables.size() < kMaxTables;
       section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || (header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB)) {
      continue;
    }
    Elf_Scn* names_section = elf_getscn(elf, header.sh_link);
    GElf_Shdr names_header;
    if (names_section == nullptr || gelf_getshdr(names_section, &names_header) == nullptr ||
        names_header.sh_size > kMaxTableBytes) {
      continue;
    }
    const Elf_Data* symbols = entries_of<Elf64_Sym>(section, header);
    const Elf_Data* names = symbols != nullptr ? elf_getdata(names_section, nullptr) : nullptr;
    if (names == nullptr || names->d_buf == nullptr) {
      continue;
    }
    tables.push_back({static_cast<const Elf64_Sym*>(symbols->d_buf), symbols->d_size / sizeof(Elf64_Sym),
                      static_cast<const char*>(names->d_buf), names->d_size, header.sh_type == SHT_DYNSYM,
                      elf_ndxscn(section), header.sh_addr});
  }
  return tables;
}

std::vector<ElfRelocations> elf_relocations(Elf* elf) {
  constexpr size_t kMaxTables = 64;
  std::vector<ElfRelocations> tables;
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr && tables.size() < kMaxTables;
       section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_RELA || (header.sh_flags & SHF_ALLOC) == 0) {
      continue;
    }
    if (const Elf_Data* data = entries_of<Elf64_Rela>(section, header); data != nullptr) {
      tables.push_back(
          {static_cast<const Elf64_Rela*>(data->d_buf), data->d_size / sizeof(Elf64_Rela), header.sh_link});
    }
  }
  return tables;
}

bool is_defined_function(const Elf64_Sym& symbol) {
  return ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS &&
         symbol.st_value != 0;
}

}  // namespace flarestack
