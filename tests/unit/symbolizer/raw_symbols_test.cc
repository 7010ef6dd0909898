// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/raw_symbols.h"

#include <sstream>

#include "tests/unit/symbolizer/fixture.h"

namespace flarestack {
namespace {

using fixture::output_of;
using fixture::TemporaryDirectory;
using fixture::write_text;

// The value of a symbol, as nm has it.
uint64_t offset_of(const std::string& module, const std::string& symbol) {
  std::istringstream lines(output_of("nm " + module));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(" " + symbol)) return std::stoull(line.substr(0, 16), nullptr, 16);
  }
  FAIL("nm knows no " << symbol);
  return 0;
}

TEST_CASE("variables and functions that cover offsets of a module are found by the linker's names") {
  const TemporaryDirectory directory;
  write_text(directory / "a.cc", R"(
namespace shop { int table[64]; static char* names[4]; int pick(int i) { return table[i] + (names[i & 3] != nullptr); }
void name(int i, char* n) { names[i] = n; } }
)");
  const std::string module = directory / "a.so";
  output_of("c++ -O1 -g -shared -fPIC -o " + module + " " + directory / "a.cc");
  const uint64_t table = offset_of(module, "_ZN4shop5tableE");
  const uint64_t names = offset_of(module, "_ZN4shopL5namesE");
  const std::vector<uint64_t> offsets = {table + 255, names + 8, table, table + 256 + (1 << 20), names + 8};
  const auto found = raw_symbols({{}, module, {}}, offsets, SymbolSort::kVariable);
  REQUIRE(found.size() == 5);
  CHECK(found[0].name == "_ZN4shop5tableE");
  CHECK(found[0].offset == table);
  CHECK(found[0].size_bytes == 256);
  CHECK(found[1].name == "_ZN4shopL5namesE");
  CHECK(found[2].offset == table);
  CHECK(found[3].name.empty());
  CHECK(found[4].name == found[1].name);
  const uint64_t pick = offset_of(module, "_ZN4shop4pickEi");
  CHECK(raw_symbols({{}, module, {}}, std::vector<uint64_t>{pick + 1}, SymbolSort::kFunction)[0].name ==
        "_ZN4shop4pickEi");
  CHECK(raw_symbols({{}, module, {}}, std::vector<uint64_t>{pick}, SymbolSort::kVariable)[0].name.empty());
}

TEST_CASE("a module that is gone has no names") {
  const auto found = raw_symbols({{}, "/nonexistent/a.so", {}}, std::vector<uint64_t>{1, 2}, SymbolSort::kVariable);
  REQUIRE(found.size() == 2);
  CHECK(found[0].name.empty());
}

}  // namespace
}  // namespace flarestack
