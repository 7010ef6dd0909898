// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/raw_symbols.h"

#include <algorithm>
#include <cstring>

#include <gelf.h>

#include "symbolizer/elf_symbols.h"
#include "symbolizer/isolated_work.h"
#include "symbolizer/location_table.h"
#include "symbolizer/module_file.h"
#include "symbolizer/symbol_table.h"

namespace flarestack {
namespace {

std::string without_version(std::string_view name) { return std::string(name.substr(0, name.find('@'))); }

// The smallest variable around each of the offsets, `wanted` being ascending and unique.
void match_variables(Elf* elf, std::span<const uint64_t> wanted, std::vector<RawSymbol>& found) {
  for_each_symbol(elf, [&](const GElf_Sym& symbol, const char* name) {
    if (GELF_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF || symbol.st_size == 0) return;
    auto each = std::lower_bound(wanted.begin(), wanted.end(), symbol.st_value);
    for (; each != wanted.end() && *each - symbol.st_value < symbol.st_size; ++each) {
      RawSymbol& best = found[static_cast<size_t>(each - wanted.begin())];
      const bool better = best.name.empty() || symbol.st_size < best.size_bytes ||
                          (symbol.st_size == best.size_bytes && std::strlen(name) < best.name.size());
      if (better) best = {without_version(name), symbol.st_value, symbol.st_size};
    }
  });
}

void match_functions(Elf* elf, std::span<const uint64_t> wanted, std::vector<RawSymbol>& found) {
  const std::vector<CodeSection> code = code_sections(elf);
  SymbolMatcher matcher(wanted, code);
  for_each_symbol(elf, [&](const GElf_Sym& symbol, const char* name) { matcher.add(symbol, name); });
  const std::vector<SymbolMatch> matches = matcher.matches();
  for (size_t i = 0; i < matches.size(); ++i) {
    if (found[i].name.empty() && matches[i]) found[i] = {without_version(matches[i].name), matches[i].start, 0};
  }
}

// In a child, as the file may be anything: the symbols of the ascending offsets.
std::string find_symbols(const SymbolModule& module, std::span<const uint64_t> wanted, SymbolSort sort) {
  std::vector<RawSymbol> found(wanted.size());
  Result<ModuleFile> file = ModuleFile::open(module, {"/usr/lib/debug"});
  if (file.ok()) {
    // A separate debug file has the whole table, the file itself mostly what it exports.
    for (Elf* elf : {file->debug_elf(), file->elf()}) {
      if (elf == nullptr) continue;
      sort == SymbolSort::kVariable ? match_variables(elf, wanted, found) : match_functions(elf, wanted, found);
    }
  }
  std::string out;
  for (const RawSymbol& symbol : found) {
    put_text(out, symbol.name);
    put_uleb(out, symbol.offset);
    put_uleb(out, symbol.size_bytes);
  }
  return out;
}

}  // namespace

std::vector<RawSymbol> raw_symbols(const SymbolModule& module, std::span<const uint64_t> offsets, SymbolSort sort) {
  std::vector<uint64_t> wanted(offsets.begin(), offsets.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<RawSymbol> found(wanted.size());
  if (const Result<std::string> answer = run_isolated({}, [&] { return find_symbols(module, wanted, sort); });
      answer.ok()) {
    ByteReader reader({reinterpret_cast<const uint8_t*>(answer->data()), answer->size()});
    for (RawSymbol& symbol : found) {
      symbol.name = take_text(reader);
      symbol.offset = reader.uleb();
      symbol.size_bytes = reader.uleb();
    }
  }
  std::vector<RawSymbol> result;
  result.reserve(offsets.size());
  for (const uint64_t offset : offsets) {
    const auto place = std::lower_bound(wanted.begin(), wanted.end(), offset);
    result.push_back(found[static_cast<size_t>(place - wanted.begin())]);
  }
  return result;
}

}  // namespace flarestack
