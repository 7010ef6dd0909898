// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/module_resolver.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "symbolizer/debug_locations.h"
#include "symbolizer/demangle.h"
#include "symbolizer/elf_symbols.h"
#include "symbolizer/function_bounds.h"
#include "symbolizer/module_file.h"
#include "symbolizer/plt_symbols.h"
#include "symbolizer/symbol_table.h"

namespace flarestack {
namespace {

Elf_Scn* find_section(Elf* elf, GElf_Word type) {
  Elf_Scn* section = nullptr;
  while (elf != nullptr && (section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) != nullptr && header.sh_type == type) {
      return section;
    }
  }
  return nullptr;
}

// Offers every symbol there is, and says how good the best table was.
ModuleSymbols::Level add_symbols(ModuleFile& file, SymbolDetail detail, SymbolMatcher& matcher) {
  ModuleSymbols::Level level = ModuleSymbols::Level::kNone;
  if (Elf_Scn* exported = find_section(file.elf(), SHT_DYNSYM)) {
    matcher.add_section(file.elf(), exported);
    level = ModuleSymbols::Level::kExportedSymbols;
  }
  for (Elf* elf : {file.elf(), detail == SymbolDetail::kEverything ? file.debug_elf() : nullptr}) {
    if (Elf_Scn* table = find_section(elf, SHT_SYMTAB)) {
      matcher.add_section(elf, table);
      return ModuleSymbols::Level::kSymbolTable;
    }
  }
  // A debug file without DWARF, or .gnu_debugdata: libdwfl finds and unpacks them.
  int first_global = 0;
  for_each_symbol_of_module(file, [&](const GElf_Sym& symbol, const char* name) {
    first_global += GELF_ST_BIND(symbol.st_info) == STB_LOCAL && GELF_ST_TYPE(symbol.st_info) == STT_FUNC ? 1 : 0;
    matcher.add(symbol, name);
  });
  // Exported symbols are global: local functions are proof of a fuller table.
  return first_global > 0 ? ModuleSymbols::Level::kSymbolTable : level;
}

// malloc is __libc_malloc in glibc's source: users know the linker's name, and have it without debug information. Names
// with a dot are of clones (work.part.0), where the source knows better.
void use_linker_name(SymbolFrame& frame, const SymbolMatch& match) {
  if (match && match.start == frame.function_offset && match.name.find('.') == std::string_view::npos) {
    frame.function = demangle(match.name);
  }
}

const char* missing_part(ModuleSymbols::Level level, bool has_dwarf) {
  if (has_dwarf) {
    return " has no debug information for most of the code that ran";
  }
  switch (level) {
    case ModuleSymbols::Level::kNone:
      return " has no symbols";
    case ModuleSymbols::Level::kExportedSymbols:
      return " has no debug information, and names for exported functions only";
    default:
      return " has no debug information: no lines, no inlined functions";
  }
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Where a program begins; none for a shared library, whose header's entry means nothing.
std::optional<uint64_t> program_entry(Elf* elf) {
  GElf_Ehdr header;
  if (gelf_getehdr(elf, &header) == nullptr || header.e_entry == 0) {
    return std::nullopt;
  }
  if (header.e_type == ET_EXEC) {
    return header.e_entry;
  }
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    GElf_Shdr shape;
    if (gelf_getshdr(section, &shape) == nullptr || shape.sh_type != SHT_DYNAMIC || shape.sh_entsize == 0) {
      continue;
    }
    Elf_Data* data = elf_getdata(section, nullptr);
    GElf_Dyn entry;
    for (int i = 0; gelf_getdyn(data, i, &entry) != nullptr && entry.d_tag != DT_NULL; ++i) {
      if (entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_PIE) != 0) {
        return header.e_entry;
      }
    }
  }
  return std::nullopt;
}

class AddressResolver {
 public:
  // Borrows all of them.
  AddressResolver(const SymbolModule& module, ModuleFile& file, const SymbolizerOptions& options, SymbolDetail detail)
      : module_(module), file_(file), options_(options), detail_(detail), code_(code_sections(file.elf())) {}

  // Adds to the addresses and frames of `result`, in the order of the addresses: the ascending `asked`, and the entries
  // that debug information has on the way.
  void resolve(std::span<const uint64_t> asked, ResolvedModule& result) {
    std::vector<EntryLocation> found = locate(asked);
    std::vector<uint64_t> addresses;
    std::vector<std::vector<SymbolFrame>> frames;
    for (const EntryLocation& each : found) {
      addresses.push_back(each.address);
      frames.push_back({unresolved_frame(module_.path, each.address)});
    }
    const std::vector<PltStub> stubs = find_plt_stubs(file_.elf(), addresses);
    // The addresses, and the entries of their functions, whose linker names may be the better known ones, and what
    // stubs lead to.
    std::vector<uint64_t> lookups(addresses.begin(), addresses.end());
    for (const EntryLocation& each : found) {
      if (each.location.plain_name) {
        lookups.push_back(each.location.frames.back().function_offset);
      }
    }
    for (const PltStub& stub : stubs) {
      if (stub.found && stub.symbol.empty()) {
        lookups.push_back(stub.target);
      }
    }
    std::sort(lookups.begin(), lookups.end());
    lookups.erase(std::unique(lookups.begin(), lookups.end()), lookups.end());
    SymbolMatcher matcher(lookups, code_);
    const ModuleSymbols::Level level = add_symbols(file_, detail_, matcher);
    level_ = most_have_lines_ ? ModuleSymbols::Level::kLines : level;
    const std::vector<SymbolMatch> matches = matcher.matches();
    auto match_of = [&](uint64_t address) -> const SymbolMatch& {
      return matches[size_t(std::lower_bound(lookups.begin(), lookups.end(), address) - lookups.begin())];
    };

    const FunctionBounds bounds(file_.elf());
    const std::optional<uint64_t> entry = program_entry(file_.elf());
    for (size_t i = 0; i < addresses.size(); ++i) {
      DebugLocation& location = found[i].location;
      if (!location.frames.empty()) {
        if (location.plain_name) {
          use_linker_name(location.frames.back(), match_of(location.frames.back().function_offset));
        }
        if (location.frames.back().function.empty()) {
          location.frames.back().function = frames[i].front().function;
        }
        frames[i] = std::move(location.frames);
        continue;
      }
      SymbolFrame& frame = frames[i].front();
      frame.file = location.file;
      frame.line = location.line;
      if (stubs[i].found) {
        const std::string_view symbol = stubs[i].symbol.empty() ? match_of(stubs[i].target).name : stubs[i].symbol;
        frame.function = (symbol.empty() ? frame.function : demangle(symbol)) + "@plt";
        frame.function_offset = stubs[i].start;
      } else if (const SymbolMatch& match = match_of(addresses[i])) {
        frame.function = demangle(match.name);
        frame.function_offset = match.start;
      } else if (const std::optional<uint64_t> start = bounds.start_of(addresses[i])) {
        frame = unresolved_frame(module_.path, *start);
        frame.function_offset = *start;
        if (start == entry) {
          frame.function = "_start";  // what every C library's start file calls it
        }
        frame.file = location.file;
        frame.line = location.line;
      }
    }
    result.addresses.insert(result.addresses.end(), addresses.begin(), addresses.end());
    std::move(frames.begin(), frames.end(), std::back_inserter(result.frames));
  }
  // Of those that were asked last.
  ModuleSymbols::Level level() const { return level_; }

 private:
  // By address, each once.
  std::vector<EntryLocation> locate(std::span<const uint64_t> asked) {
    DebugLocations known;
    known.locations.resize(asked.size());
    if (detail_ == SymbolDetail::kEverything) {
      known = find_debug_locations(module_, file_, asked, code_, options_);
    }
    std::vector<EntryLocation> found;
    size_t with_lines = 0;
    for (size_t i = 0; i < asked.size(); ++i) {
      with_lines += known.locations[i].line != 0 ? 1 : 0;
      found.push_back({asked[i], std::move(known.locations[i])});
    }
    most_have_lines_ = with_lines * 2 >= asked.size();
    std::move(known.entries.begin(), known.entries.end(), std::back_inserter(found));
    std::stable_sort(found.begin(), found.end(),
                     [](const EntryLocation& a, const EntryLocation& b) { return a.address < b.address; });
    found.erase(std::unique(found.begin(), found.end(),
                            [](const EntryLocation& a, const EntryLocation& b) { return a.address == b.address; }),
                found.end());
    return found;
  }

  const SymbolModule& module_;
  ModuleFile& file_;
  const SymbolizerOptions& options_;
  SymbolDetail detail_;
  std::vector<CodeSection> code_;
  ModuleSymbols::Level level_ = ModuleSymbols::Level::kNone;
  bool most_have_lines_ = false;
};

// Of functions with lines, but for what is in the ascending `addresses` already; ascending.
std::vector<uint64_t> entries_beside(std::span<const uint64_t> addresses,
                                     std::span<const std::vector<SymbolFrame>> frames) {
  std::vector<uint64_t> entries;
  for (const std::vector<SymbolFrame>& each : frames) {
    const uint64_t entry = each.back().function_offset;
    if (entry != 0 && each.back().line != 0 && !std::binary_search(addresses.begin(), addresses.end(), entry)) {
      entries.push_back(entry);
    }
  }
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

}  // namespace

SymbolFrame unresolved_frame(const std::string& module_path, uint64_t address) {
  SymbolFrame frame;
  frame.function =
      module_path.empty() ? fmt::format("0x{:x}", address) : fmt::format("{}+0x{:x}", base_name(module_path), address);
  return frame;
}

ResolvedModule resolve_module(const SymbolModule& module, std::span<const uint64_t> addresses,
                              const SymbolizerOptions& options, SymbolDetail detail) {
  ResolvedModule result;
  result.symbols.id = module.id;
  Result<ModuleFile> file = ModuleFile::open(module, options.debug_directories);
  if (!file.ok()) {
    result.addresses.assign(addresses.begin(), addresses.end());
    for (const uint64_t address : addresses) {
      result.frames.push_back({unresolved_frame(module.path, address)});
    }
    result.symbols.problem = file.error().message;
    return result;
  }
  AddressResolver resolver(module, *file, options, detail);
  resolver.resolve(addresses, result);
  result.symbols.level = resolver.level();
  // Those of assembly, which only symbols know.
  if (const std::vector<uint64_t> entries = entries_beside(result.addresses, result.frames); !entries.empty()) {
    resolver.resolve(entries, result);
  }

  result.files = file->debug_file_candidates(options.debug_directories);
  result.files.push_back(file->path());
  if (!file->debug_path().empty()) {
    result.files.push_back(file->debug_path());
  }
  result.wants_debug_file = result.symbols.level != ModuleSymbols::Level::kLines && module.path != "[vdso]";
  if (result.wants_debug_file && detail == SymbolDetail::kEverything) {
    result.symbols.problem = module.path + missing_part(result.symbols.level, file->dwarf() != nullptr);
  }
  return result;
}

}  // namespace flarestack
