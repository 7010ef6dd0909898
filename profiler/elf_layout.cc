// SPDX-License-Identifier: Apache-2.0
#include "profiler/elf_layout.h"

#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <libelf.h>

#include "profiler/elf_sections.h"

namespace flarestack {

ElfLayout ElfLayout::read(int descriptor) {
  ElfLayout layout;
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(descriptor, ELF_C_READ, nullptr);
  size_t count = 0;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF && elf_getphdrnum(elf, &count) == 0) {
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf, static_cast<int>(i), &segment) != nullptr && segment.p_type == PT_LOAD) {
        layout.segments.push_back({segment.p_offset, segment.p_filesz, segment.p_vaddr});
      }
    }
    const void* build_id = nullptr;
    if (const ssize_t size = dwelf_elf_gnu_build_id(elf, &build_id); size > 0) {
      const auto* bytes = static_cast<const uint8_t*>(build_id);
      layout.build_id.assign(bytes, bytes + size);
    }
    layout.is_go = section_named(elf, ".gopclntab") || section_named(elf, ".go.buildinfo");
  }
  elf_end(elf);
  return layout;
}

std::optional<uint64_t> ElfLayout::virtual_address_of(uint64_t file_offset) const {
  for (const Segment& segment : segments) {
    if (file_offset >= segment.file_offset && file_offset - segment.file_offset < segment.size_bytes) {
      return file_offset - segment.file_offset + segment.virtual_address;
    }
  }
  return std::nullopt;
}

}  // namespace flarestack
