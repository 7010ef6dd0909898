// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_table.h"

#include <algorithm>
#include <cstring>

#include "symbolizer/demangle.h"

namespace flarestack {
namespace {

const CodeSection* section_of(std::span<const CodeSection> code, uint64_t address) {
  auto after = std::upper_bound(code.begin(), code.end(), address,
                                [](uint64_t value, const CodeSection& section) { return value < section.start; });
  if (after == code.begin()) {
    return nullptr;
  }
  const CodeSection& section = *(after - 1);
  return address < section.end ? &section : nullptr;
}

size_t leading_underscores(const char* name) { return is_mangled(name) ? 0 : std::strspn(name, "_"); }

// "memcpy@GLIBC_2.2.5" is a version kept for old programs, "memcpy@@GLIBC_2.14" the current one.
bool is_old_version(const char* name) {
  const char* at = std::strchr(name, '@');
  return at != nullptr && at[1] != '@';
}

}  // namespace

SymbolMatcher::SymbolMatcher(std::span<const uint64_t> addresses, std::span<const CodeSection> code)
    : addresses_(addresses), code_(code), sized_(addresses.size()), nearest_(addresses.size()) {}

// Of several names for one place, the one that its users know: exported before local, functions before labels, malloc
// before __libc_malloc, the current version before old ones, strong before weak, short before long.
bool SymbolMatcher::better_name(const Candidate& left, const Candidate& right) {
  if ((left.binding == STB_LOCAL) != (right.binding == STB_LOCAL)) {
    return right.binding == STB_LOCAL;
  }
  if ((left.type == STT_NOTYPE) != (right.type == STT_NOTYPE)) {
    return right.type == STT_NOTYPE;
  }
  const size_t left_underscores = leading_underscores(left.name);
  const size_t right_underscores = leading_underscores(right.name);
  if (left_underscores != right_underscores) {
    return left_underscores < right_underscores;
  }
  if (is_old_version(left.name) != is_old_version(right.name)) {
    return is_old_version(right.name);
  }
  if ((left.binding == STB_WEAK) != (right.binding == STB_WEAK)) {
    return right.binding == STB_WEAK;
  }
  const size_t left_length = std::strlen(left.name);
  const size_t right_length = std::strlen(right.name);
  return left_length != right_length ? left_length < right_length : std::strcmp(left.name, right.name) < 0;
}

void SymbolMatcher::offer(Candidate& best, const Candidate& candidate) {
  if (best.name == nullptr || candidate.start > best.start ||
      (candidate.start == best.start && better_name(candidate, best))) {
    best = candidate;
  }
}

void SymbolMatcher::add(const GElf_Sym& symbol, const char* name) {
  const uint8_t type = GELF_ST_TYPE(symbol.st_info);
  const bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC;
  if ((!is_function && type != STT_NOTYPE) || symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
      name == nullptr || name[0] == '\0' || name[0] == '$') {
    return;
  }
  const uint64_t start = symbol.st_value;
  auto first = std::lower_bound(addresses_.begin(), addresses_.end(), start);
  if (first == addresses_.end() || section_of(code_, start) == nullptr) {
    return;
  }
  const Candidate candidate{name, start, symbol.st_size, uint8_t(GELF_ST_BIND(symbol.st_info)), type};
  size_t index = size_t(first - addresses_.begin());
  offer(nearest_[index], candidate);
  for (; index < addresses_.size() && addresses_[index] - start < symbol.st_size; ++index) {
    offer(sized_[index], candidate);
  }
}

void SymbolMatcher::add_section(Elf* elf, Elf_Scn* section) {
  GElf_Shdr header;
  if (gelf_getshdr(section, &header) == nullptr || header.sh_entsize == 0) {
    return;
  }
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || data->d_buf == nullptr) {
    return;
  }
  const size_t count = std::min<size_t>(data->d_size / header.sh_entsize, INT32_MAX);
  for (size_t i = 1; i < count; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(data, int(i), &symbol) == nullptr) {
      return;
    }
    const uint8_t type = GELF_ST_TYPE(symbol.st_info);
    if (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) {
      add(symbol, elf_strptr(elf, header.sh_link, symbol.st_name));
    }
  }
}

std::vector<SymbolMatch> SymbolMatcher::matches() const {
  std::vector<SymbolMatch> result(addresses_.size());
  Candidate nearest;
  for (size_t i = 0; i < addresses_.size(); ++i) {
    if (nearest_[i].name != nullptr) {
      nearest = nearest_[i];
    }
    Candidate best = sized_[i];
    if (best.name == nullptr && nearest.name != nullptr && nearest.size == 0 &&
        section_of(code_, nearest.start) == section_of(code_, addresses_[i])) {
      best = nearest;
    }
    if (best.name != nullptr) {
      result[i] = {best.name, best.start, best.binding == STB_LOCAL};
    }
  }
  return result;
}

std::vector<CodeSection> code_sections(Elf* elf) {
  std::vector<CodeSection> result;
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) != nullptr && (header.sh_flags & SHF_EXECINSTR) != 0 && header.sh_size != 0 &&
        header.sh_addr + header.sh_size > header.sh_addr) {
      result.push_back({header.sh_addr, header.sh_addr + header.sh_size});
    }
  }
  if (result.empty()) {  // no section headers: the segments will do
    size_t count = 0;
    elf_getphdrnum(elf, &count);
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf, int(i), &segment) != nullptr && segment.p_type == PT_LOAD &&
          (segment.p_flags & PF_X) != 0 && segment.p_vaddr + segment.p_memsz > segment.p_vaddr) {
        result.push_back({segment.p_vaddr, segment.p_vaddr + segment.p_memsz});
      }
    }
  }
  std::sort(result.begin(), result.end(),
            [](const CodeSection& left, const CodeSection& right) { return left.start < right.start; });
  return result;
}

}  // namespace flarestack
