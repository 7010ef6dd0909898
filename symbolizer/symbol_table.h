// SPDX-License-Identifier: Apache-2.0
// SymbolMatcher: which function symbol covers each of a set of addresses. Offline side; one thread.
//
// The symbols stream past the sorted addresses, instead of the addresses being looked up in sorted symbols: a table of
// a million symbols is then read once, sequentially, with nothing built or sorted (10 ms), and a report asks for
// thousands of addresses, not millions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <gelf.h>

namespace flarestack {

// [start, end) of an executable section.
struct CodeSection {
  uint64_t start = 0;
  uint64_t end = 0;
};

// The best symbol for an address. `name` is as in the string table (mangled, perhaps with a version) and borrowed from
// whoever called add(); empty: no symbol covers the address.
struct SymbolMatch {
  std::string_view name;
  uint64_t start = 0;
  bool local = false;
  explicit operator bool() const { return !name.empty(); }
};

class SymbolMatcher {
 public:
  // `addresses` ascending and unique, `code` ascending; both are borrowed for the matcher's life.
  SymbolMatcher(std::span<const uint64_t> addresses, std::span<const CodeSection> code);

  // Offers one symbol. Others than functions (and untyped labels in code, the last resort) are ignored.
  void add(const GElf_Sym& symbol, const char* name);
  // Offers the symbols of a SHT_SYMTAB or SHT_DYNSYM section. Broken sections offer nothing.
  void add_section(Elf* elf, Elf_Scn* section);

  // For each address, in order. A symbol that has a size covers exactly that; the innermost wins. One of size zero
  // covers up to the next symbol or the end of its section, where no sized one does.
  std::vector<SymbolMatch> matches() const;

 private:
  struct Candidate {
    const char* name = nullptr;
    uint64_t start = 0;
    uint64_t size = 0;
    uint8_t binding = 0;
    uint8_t type = 0;
  };
  static bool better_name(const Candidate& left, const Candidate& right);
  static void offer(Candidate& best, const Candidate& candidate);

  std::span<const uint64_t> addresses_;
  std::span<const CodeSection> code_;
  std::vector<Candidate> sized_;    // per address: covers it by its size
  std::vector<Candidate> nearest_;  // per address: starts at or before it, and after the address before it
};

// The executable sections of `elf` (addresses are right in a separate debug file as well), ascending.
std::vector<CodeSection> code_sections(Elf* elf);

}  // namespace flarestack
