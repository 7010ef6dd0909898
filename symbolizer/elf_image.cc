// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/elf_image.h"

#include <elf.h>

namespace flarestack {
namespace {

template <typename Header>  // Elf64_Ehdr, Elf64_Shdr
std::string_view bytes_of(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

}  // namespace

void ElfImage::add(std::string_view name, std::span<const uint8_t> contents) {
  add(name, std::string_view(reinterpret_cast<const char*>(contents.data()), contents.size()));
}

void ElfImage::add(std::string_view name, std::string_view contents) {
  sections_.push_back({std::string(name), std::string(contents)});
}

std::string ElfImage::bytes() const {
  Elf64_Ehdr header{};
  header.e_ident[EI_MAG0] = ELFMAG0;
  header.e_ident[EI_MAG1] = ELFMAG1;
  header.e_ident[EI_MAG2] = ELFMAG2;
  header.e_ident[EI_MAG3] = ELFMAG3;
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;  // nothing in it is to be relocated
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = uint16_t(sections_.size() + 2);  // the null section, and the names
  header.e_shstrndx = uint16_t(sections_.size() + 1);

  std::string names(1, '\0');
  std::string contents;
  std::vector<Elf64_Shdr> headers(1);
  const auto place = [&](const std::string& name, std::string_view section, uint32_t type) {
    Elf64_Shdr& shape = headers.emplace_back();
    shape.sh_name = uint32_t(names.size());
    shape.sh_type = type;
    shape.sh_offset = sizeof header + contents.size();
    shape.sh_size = section.size();
    shape.sh_addralign = 1;
    names += name;
    names += '\0';
    contents += section;
  };
  for (const Section& section : sections_) {
    place(section.name, section.contents, SHT_PROGBITS);
  }
  const std::string own_name = ".shstrtab";
  place(own_name, {}, SHT_STRTAB);
  headers.back().sh_size = names.size();
  contents += names;
  contents.resize((contents.size() + 7) / 8 * 8);
  header.e_shoff = sizeof header + contents.size();

  std::string file(bytes_of(header));
  file += contents;
  for (const Elf64_Shdr& shape : headers) {
    file += bytes_of(shape);
  }
  return file;
}

}  // namespace flarestack
