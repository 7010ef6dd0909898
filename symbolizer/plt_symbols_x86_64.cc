// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>

#include <gelf.h>

#include "symbolizer/plt_symbols.h"

namespace flarestack {
namespace {

// What a GOT slot will hold: a symbol, or what the function at an address chooses.
struct Target {
  std::string symbol;
  uint64_t selector = 0;
  explicit operator bool() const { return !symbol.empty() || selector != 0; }
};

struct Relocations {
  std::unordered_map<uint64_t, Target> by_slot;
  std::vector<Target> by_index;  // of .rela.plt, which lazy stubs push
};

std::string symbol_name(Elf* elf, Elf_Data* symbols, uint32_t string_section, uint64_t index) {
  GElf_Sym symbol;
  if (symbols == nullptr || index > INT32_MAX || gelf_getsym(symbols, int(index), &symbol) == nullptr) {
    return {};
  }
  const char* name = elf_strptr(elf, string_section, symbol.st_name);
  return name == nullptr ? std::string() : std::string(name);
}

Relocations read_relocations(Elf* elf) {
  Relocations result;
  size_t names = 0;
  elf_getshdrstrndx(elf, &names);
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_RELA || header.sh_entsize == 0 ||
        (header.sh_flags & SHF_ALLOC) == 0) {
      continue;
    }
    Elf_Data* data = elf_getdata(section, nullptr);
    Elf_Scn* symbol_section = elf_getscn(elf, header.sh_link);
    GElf_Shdr symbol_header{};
    Elf_Data* symbols = nullptr;
    if (symbol_section != nullptr && gelf_getshdr(symbol_section, &symbol_header) != nullptr &&
        (symbol_header.sh_type == SHT_DYNSYM || symbol_header.sh_type == SHT_SYMTAB)) {
      symbols = elf_getdata(symbol_section, nullptr);
    }
    const char* name = elf_strptr(elf, names, header.sh_name);
    const bool is_plt = name != nullptr && std::strcmp(name, ".rela.plt") == 0;
    const size_t count = data == nullptr ? 0 : std::min<size_t>(data->d_size / header.sh_entsize, INT32_MAX);
    for (size_t i = 0; i < count; ++i) {
      GElf_Rela relocation;
      if (gelf_getrela(data, int(i), &relocation) == nullptr) {
        break;
      }
      const uint64_t type = GELF_R_TYPE(relocation.r_info);
      Target target;
      if (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT) {
        target.symbol = symbol_name(elf, symbols, symbol_header.sh_link, GELF_R_SYM(relocation.r_info));
      } else if (type == R_X86_64_IRELATIVE) {
        target.selector = uint64_t(relocation.r_addend);
      }
      if (is_plt) {
        result.by_index.push_back(target);
      }
      if (target) {
        result.by_slot.emplace(relocation.r_offset, std::move(target));
      }
    }
  }
  return result;
}

// What one stub says about itself.
struct Decoded {
  std::optional<uint64_t> slot;
  std::optional<uint32_t> index;
};

Decoded decode_stub(const uint8_t* code, size_t size, uint64_t address) {
  Decoded result;
  size_t at = 0;
  if (size >= 4 && std::memcmp(code, "\xf3\x0f\x1e\xfa", 4) == 0) {  // endbr64
    at = 4;
  }
  if (size >= at + 5 && code[at] == 0x68) {  // push imm32
    result.index = 0;
    std::memcpy(&*result.index, code + at + 1, 4);
    return result;
  }
  if (size > at && code[at] == 0xf2) {  // bnd
    ++at;
  }
  if (size >= at + 6 && code[at] == 0xff && code[at + 1] == 0x25) {  // jmp *disp32(%rip)
    int32_t displacement = 0;
    std::memcpy(&displacement, code + at + 2, 4);
    result.slot = address + at + 6 + uint64_t(int64_t{displacement});
  }
  return result;
}

Target stub_target(const Relocations& relocations, const Decoded& stub) {
  if (stub.slot) {
    auto found = relocations.by_slot.find(*stub.slot);
    return found == relocations.by_slot.end() ? Target() : found->second;
  }
  return stub.index && *stub.index < relocations.by_index.size() ? relocations.by_index[*stub.index] : Target();
}

}  // namespace

std::vector<PltStub> find_plt_stubs(Elf* elf, std::span<const uint64_t> addresses) {
  std::vector<PltStub> result(addresses.size());
  GElf_Ehdr file;
  size_t names = 0;
  if (gelf_getehdr(elf, &file) == nullptr || file.e_machine != EM_X86_64 || elf_getshdrstrndx(elf, &names) != 0) {
    return result;
  }
  std::optional<Relocations> relocations;
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_PROGBITS) {
      continue;
    }
    const char* name = elf_strptr(elf, names, header.sh_name);
    if (name == nullptr || !std::string_view(name).starts_with(".plt") || (header.sh_flags & SHF_EXECINSTR) == 0) {
      continue;
    }
    auto address = std::lower_bound(addresses.begin(), addresses.end(), header.sh_addr);
    Elf_Data* data = nullptr;
    for (; address != addresses.end() && *address - header.sh_addr < header.sh_size; ++address) {
      data = data == nullptr ? elf_getdata(section, nullptr) : data;
      if (data == nullptr || data->d_buf == nullptr) {
        break;
      }
      if (!relocations) {
        relocations = read_relocations(elf);
      }
      // Stubs without room for lazy binding are of 8 bytes, all others of 16. Linkers do not say so reliably (a static
      // program's .plt has an entry size of 0), but only a real stub leads to a slot that is relocated.
      for (const uint64_t stub_size : {8, 16}) {
        const uint64_t offset = (*address - header.sh_addr) / stub_size * stub_size;
        if (offset >= data->d_size) {
          break;
        }
        const auto* code = static_cast<const uint8_t*>(data->d_buf) + offset;
        const size_t size = std::min<size_t>(16, data->d_size - offset);
        const uint64_t start = header.sh_addr + offset;
        if (const Target target = stub_target(*relocations, decode_stub(code, size, start))) {
          result[size_t(address - addresses.begin())] = {true, target.symbol, target.selector, start};
          break;
        }
      }
    }
  }
  return result;
}

}  // namespace flarestack
