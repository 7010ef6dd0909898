// SPDX-License-Identifier: Apache-2.0
#include "profiler/eh_frame_table.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include <elfutils/libdw.h>
#include <gelf.h>
#include <libelf.h>

namespace flarestack {
namespace {

// Of the DWARF exception header encodings (LSB 5.0, "10.5.1"), those that x86-64 compilers use for code addresses.
constexpr uint8_t kAbsolute = 0x00, kRelativeSigned4 = 0x1b;
constexpr uint8_t kUnsigned4 = 0x03, kToTableSigned4 = 0x3b, kVersion = 1;

// How the FDEs of a CIE give addresses.
uint8_t pointer_encoding(const Dwarf_CIE& cie) {
  const std::string_view letters(cie.augmentation);
  const uint8_t* data = cie.augmentation_data;
  const uint8_t* end = data + cie.augmentation_data_size;
  for (const char letter : letters) {
    if (letter == 'R' && data < end) {
      return *data;
    }
    if (letter == 'L') {
      ++data;
    } else if (letter == 'P' && data < end) {
      const unsigned format = *data & 0x0f;
      data += 1 + (format == 0x00 || format == 0x04 || format == 0x0c ? 8 : format == 0x02 || format == 0x0a ? 2 : 4);
    }
  }
  return kAbsolute;
}

// The code that an FDE begins with; 0: its encoding is another one.
uint64_t code_start(const Dwarf_FDE& fde, uint8_t encoding, uint64_t address) {
  if (encoding == kAbsolute && fde.end - fde.start >= 8) {
    uint64_t start = 0;
    std::memcpy(&start, fde.start, sizeof(start));
    return start;
  }
  if (encoding == kRelativeSigned4 && fde.end - fde.start >= 4) {
    int32_t distance = 0;
    std::memcpy(&distance, fde.start, sizeof(distance));
    return address + static_cast<uint64_t>(int64_t{distance});
  }
  return 0;
}

// FDEs by the code that they begin with.
std::map<uint64_t, uint64_t> descriptions_in(Elf* elf, const GElf_Shdr& section, Elf_Data* data) {
  std::map<uint64_t, uint64_t> found;
  std::map<Dwarf_Off, uint8_t> encodings;  // by CIE
  const auto* ident = reinterpret_cast<const unsigned char*>(elf_getident(elf, nullptr));
  const auto* bytes = static_cast<const uint8_t*>(data->d_buf);
  Dwarf_CFI_Entry entry;
  Dwarf_Off next = 0;
  for (Dwarf_Off at = 0; dwarf_next_cfi(ident, data, true, at, &next, &entry) == 0 && next > at; at = next) {
    if (dwarf_cfi_cie_p(&entry)) {
      encodings[at] = pointer_encoding(entry.cie);
    } else if (const auto encoding = encodings.find(entry.fde.CIE_pointer); encoding != encodings.end()) {
      const uint64_t start =
          code_start(entry.fde, encoding->second, section.sh_addr + static_cast<uint64_t>(entry.fde.start - bytes));
      if (start != 0) {
        found.emplace(start, section.sh_addr + at);
      }
    }
  }
  return found;
}

void put_word(std::vector<std::byte>& table, uint64_t value) {
  const auto word = static_cast<uint32_t>(value);
  const size_t at = table.size();
  table.resize(at + sizeof(word));
  std::memcpy(&table[at], &word, sizeof(word));
}

}  // namespace

std::vector<std::byte> eh_frame_table(int descriptor, uint64_t table_address) {
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(descriptor, ELF_C_READ, nullptr);
  std::vector<std::byte> table;
  size_t names = 0;
  if (elf != nullptr && gelf_getclass(elf) == ELFCLASS64 && elf_getshdrstrndx(elf, &names) == 0) {
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
      GElf_Shdr header;
      const char* name = gelf_getshdr(section, &header) != nullptr ? elf_strptr(elf, names, header.sh_name) : nullptr;
      Elf_Data* data =
          name != nullptr && std::string_view(name) == ".eh_frame" ? elf_rawdata(section, nullptr) : nullptr;
      if (data == nullptr || data->d_buf == nullptr) {
        continue;
      }
      const std::map<uint64_t, uint64_t> descriptions = descriptions_in(elf, header, data);
      for (const uint8_t byte : {kVersion, kRelativeSigned4, kUnsigned4, kToTableSigned4}) {
        table.push_back(std::byte{byte});
      }
      put_word(table, header.sh_addr - (table_address + table.size()));
      put_word(table, descriptions.size());
      for (const auto& [start, description] : descriptions) {
        put_word(table, start - table_address);
        put_word(table, description - table_address);
      }
      break;
    }
  }
  elf_end(elf);
  return table;
}

}  // namespace flarestack
