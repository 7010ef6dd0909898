// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbol_table.h"

#include <string>

#include <catch2/catch.hpp>

#include "symbolizer/demangle.h"

namespace flarestack {
namespace {

const std::vector<CodeSection> kCode{{0x1000, 0x2000}, {0x3000, 0x4000}};

struct Offered {
  const char* name;
  uint64_t start;
  uint64_t size;
  uint8_t binding = STB_GLOBAL;
  uint8_t type = STT_FUNC;
};

std::string name_at(uint64_t address, const std::vector<Offered>& symbols) {
  const std::vector<uint64_t> addresses{address};
  SymbolMatcher matcher(addresses, kCode);
  for (const Offered& offered : symbols) {
    GElf_Sym symbol{};
    symbol.st_value = offered.start;
    symbol.st_size = offered.size;
    symbol.st_info = GELF_ST_INFO(offered.binding, offered.type);
    symbol.st_shndx = 1;
    matcher.add(symbol, offered.name);
  }
  const SymbolMatch match = matcher.matches()[0];
  return match ? std::string(match.name) : "-";
}

TEST_CASE("a symbol covers its size and nothing behind it") {
  const std::vector<Offered> symbols{{"a", 0x1000, 0x10}, {"b", 0x1020, 0x10}};
  CHECK(name_at(0x0fff, symbols) == "-");
  CHECK(name_at(0x1000, symbols) == "a");
  CHECK(name_at(0x100f, symbols) == "a");
  CHECK(name_at(0x1010, symbols) == "-");
  CHECK(name_at(0x1020, symbols) == "b");
}

TEST_CASE("a symbol of size zero reaches to the next symbol or the end of its section") {
  const std::vector<Offered> symbols{{"asm_entry", 0x1000, 0}, {"next", 0x1100, 0x10}, {"last", 0x1f00, 0}};
  CHECK(name_at(0x10ff, symbols) == "asm_entry");
  CHECK(name_at(0x1100, symbols) == "next");
  CHECK(name_at(0x1110, symbols) == "-");
  CHECK(name_at(0x1fff, symbols) == "last");
  CHECK(name_at(0x3000, symbols) == "-");
}

TEST_CASE("of nested symbols the innermost wins, and a sized one before a label") {
  const std::vector<Offered> symbols{
      {"outer", 0x1000, 0x100}, {"inner", 0x1040, 0x10}, {"label", 0x1020, 0, STB_LOCAL, STT_NOTYPE}};
  CHECK(name_at(0x1030, symbols) == "outer");
  CHECK(name_at(0x1045, symbols) == "inner");
  CHECK(name_at(0x1050, symbols) == "outer");
}

TEST_CASE("of several names of one function the best known one is chosen, in whatever order they come") {
  const auto best = [](std::vector<Offered> symbols) {
    const std::string forward = name_at(0x1004, symbols);
    std::reverse(symbols.begin(), symbols.end());
    CHECK(name_at(0x1004, symbols) == forward);
    return forward;
  };
  CHECK(best({{"helper", 0x1000, 8, STB_LOCAL}, {"exported_helper", 0x1000, 8}}) == "exported_helper");
  CHECK(best({{"__libc_malloc", 0x1000, 8}, {"malloc", 0x1000, 8}, {"__GI___libc_malloc", 0x1000, 8, STB_LOCAL}}) ==
        "malloc");
  CHECK(best({{"__read", 0x1000, 8}, {"read", 0x1000, 8, STB_WEAK}}) == "read");
  CHECK(best({{"memcpy@GLIBC_2.2.5", 0x1000, 8}, {"memcpy@@GLIBC_2.14", 0x1000, 8}}) == "memcpy@@GLIBC_2.14");
  CHECK(best({{"label", 0x1000, 8, STB_GLOBAL, STT_NOTYPE}, {"function_name", 0x1000, 8}}) == "function_name");
  CHECK(best({{"strlen_ifunc", 0x1000, 8, STB_LOCAL, STT_GNU_IFUNC},
              {"strlen", 0x1000, 8, STB_GLOBAL, STT_GNU_IFUNC}}) == "strlen");
}

TEST_CASE("symbols that are no code are ignored") {
  CHECK(name_at(0x1004, {{"object", 0x1000, 8, STB_GLOBAL, STT_OBJECT}}) == "-");
  CHECK(name_at(0x2004, {{"_end", 0x2000, 0, STB_GLOBAL, STT_NOTYPE}}) == "-");
  CHECK(name_at(0x1004, {{"", 0x1000, 8}}) == "-");
}

TEST_CASE("many addresses are matched in one pass") {
  const std::vector<uint64_t> addresses{0x1001, 0x1002, 0x1015, 0x3000, 0x3fff};
  SymbolMatcher matcher(addresses, kCode);
  for (const Offered& offered : {Offered{"b", 0x1010, 0x10}, Offered{"a", 0x1000, 0x10}, Offered{"c", 0x3000, 0}}) {
    GElf_Sym symbol{};
    symbol.st_value = offered.start;
    symbol.st_size = offered.size;
    symbol.st_info = GELF_ST_INFO(offered.binding, offered.type);
    symbol.st_shndx = 1;
    matcher.add(symbol, offered.name);
  }
  std::string names;
  for (const SymbolMatch& match : matcher.matches()) {
    names += match.name;
  }
  CHECK(names == "aabcc");
}

TEST_CASE("C++ and Rust symbols are demangled, others are left alone") {
  CHECK(demangle("_ZN6shapes4areaEii") == "shapes::area(int, int)");
  CHECK(demangle("_ZSt4cout@@GLIBCXX_3.4") == "std::cout");
  CHECK(demangle("malloc@@GLIBC_2.2.5") == "malloc");
  CHECK(demangle("main") == "main");
  CHECK(demangle("_Z") == "_Z");
  CHECK(demangle("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE") == "core::fmt::Write::write_fmt");
  CHECK(demangle("_RNvC6_123foo3bar") == "123foo::bar");
  CHECK(demangle("_RNvNtCs1234_7mycrate3foo3bar") == "mycrate::foo::bar");
  CHECK(demangle("_RX") == "_RX");
}

TEST_CASE("demangling of hostile names is bounded") {
  const std::string nested = "_Z" + std::string(40000, 'N');
  CHECK(demangle(nested) == nested);
  std::string doubling = "_Z1fIiEv";
  for (int i = 0; i < 25; ++i) {
    doubling += "S_";
  }
  CHECK(demangle(doubling).size() <= (64u << 10));
}

}  // namespace
}  // namespace flarestack
