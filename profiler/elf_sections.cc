// SPDX-License-Identifier: Apache-2.0
#include "profiler/elf_sections.h"

#include <cstddef>

#include <libelf.h>

namespace flarestack {

std::optional<GElf_Shdr> section_named(Elf* elf, std::string_view name) {
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) {
    return std::nullopt;
  }
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    const char* found = gelf_getshdr(section, &header) != nullptr ? elf_strptr(elf, names, header.sh_name) : nullptr;
    if (found != nullptr && name == found) {
      return header;
    }
  }
  return std::nullopt;
}

}  // namespace flarestack
