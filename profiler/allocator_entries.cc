// SPDX-License-Identifier: Apache-2.0
#include "profiler/allocator_entries.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gelf.h>

#include "profiler/allocator_names.h"
#include "profiler/elf_tables.h"
#include "profiler/program_file.h"

namespace flarestack {
namespace {

constexpr uint64_t kMaxFunctionBytes = 64 * 1024;
constexpr size_t kScanBytes = size_t{1} << 20;
constexpr uint64_t kMaxScannedBytes = uint64_t{1} << 29;

struct Symbol {
  uint64_t address = 0;
  uint64_t size_bytes = 0;
  bool is_local = false;
  bool is_ambiguous = false;  // several local ones of this name
};
using Symbols = std::map<std::string, Symbol, std::less<>>;

// A global definition before a local one; two local ones may be of different things.
void note(Symbols& found, std::string_view name, const Elf64_Sym& symbol) {
  const bool is_local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL;
  const auto entry = found.find(name);
  if (entry == found.end()) {
    found.emplace(name, Symbol{symbol.st_value, symbol.st_size, is_local, false});
  } else if (entry->second.is_local && !is_local) {
    entry->second = {symbol.st_value, symbol.st_size, false, false};
  } else if (entry->second.is_local && is_local && entry->second.address != symbol.st_value) {
    entry->second.is_ambiguous = true;
  }
}

bool has_allocator(const Symbols& found) {
  return std::any_of(found.begin(), found.end(), [](const auto& entry) { return names_allocator(entry.first); });
}

// Leaves what is an allocator's entry, or operator new of a module without one. A static function named free may be
// anything, unless it is one of a whole family that a linker has made local.
void keep_entries(Symbols& found) {
  const auto has = [&](std::string_view name) { return found.contains(name); };
  const bool has_family = has("malloc") && has("calloc") && has("realloc") && has("free");
  std::erase_if(found, [&](const auto& entry) {
    const Symbol& symbol = entry.second;
    return symbol.is_ambiguous || (symbol.is_local && is_plain_c_name(entry.first) && !has_family);
  });
  if (!has_allocator(found)) {
    std::erase_if(found, [](const auto& entry) { return !relay_shape(entry.first); });
  }
}

// Reads up to the whole span; the number of bytes that are there.
size_t read_code(int descriptor, uint64_t file_offset, std::span<uint8_t> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        pread(descriptor, bytes.data() + done, bytes.size() - done, static_cast<off_t>(file_offset + done));
    if (count <= 0) {
      break;
    }
    done += static_cast<size_t>(count);
  }
  return done;
}

// Sorted addresses at which any function begins.
std::vector<uint64_t> function_starts(const std::vector<ElfSymbols>& tables) {
  std::vector<uint64_t> starts;
  for (const ElfSymbols& table : tables) {
    for (size_t i = 0; i < table.count; ++i) {
      const auto type = ELF64_ST_TYPE(table.symbols[i].st_info);
      if ((type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) && table.symbols[i].st_shndx != SHN_UNDEF) {
        starts.push_back(table.symbols[i].st_value);
      }
    }
  }
  std::sort(starts.begin(), starts.end());
  return starts;
}

HookableFunction judge(int descriptor, const std::vector<AllocatorEntries::Segment>& code,
                       const std::vector<uint64_t>& starts, const std::string& name, const Symbol& symbol) {
  HookableFunction function;
  function.name = name;
  function.address = symbol.address;
  const auto segment = std::find_if(code.begin(), code.end(), [&](const AllocatorEntries::Segment& one) {
    return symbol.address >= one.address && symbol.address - one.address < one.size_bytes;
  });
  if (segment == code.end()) {
    function.displaced = Error{"it lies outside the code of its file"};
    return function;
  }
  const uint64_t offset = symbol.address - segment->address;
  const auto next = std::upper_bound(starts.begin(), starts.end(), symbol.address);
  const uint64_t left_bytes = segment->size_bytes - offset;
  const uint64_t room_bytes = next != starts.end() ? std::min(left_bytes, *next - symbol.address) : left_bytes;
  if (symbol.size_bytes > std::min(left_bytes, kMaxFunctionBytes)) {
    function.displaced = Error{"it is longer than any function of its kind"};
    return function;
  }
  constexpr uint64_t kPaddingBytes = 64;
  const uint64_t wanted_bytes =
      symbol.size_bytes != 0 ? symbol.size_bytes + kPaddingBytes : std::min(room_bytes, kMaxFunctionBytes);
  std::vector<uint8_t> bytes(std::min(left_bytes, wanted_bytes));
  bytes.resize(read_code(descriptor, segment->file_offset + offset, bytes));
  function.displaced = displace_entry({bytes, symbol.size_bytes, room_bytes});
  return function;
}

// Refuses functions whose first bytes something else in the file jumps to: the cold part of a function, split off by
// the compiler, is a function of its own. A direct jump to there is looked for at every byte, since decoding all of a
// program takes long; a false alarm costs a hook. `functions` are sorted by address.
void refuse_jumped_into(int descriptor, const std::vector<AllocatorEntries::Segment>& code,
                        std::vector<HookableFunction>& functions) {
  if (functions.empty()) {
    return;
  }
  const uint64_t low = functions.front().address;
  const uint64_t high = functions.back().address + kMaxDisplacedBytes;
  const auto check = [&](uint64_t target) {
    auto after = std::upper_bound(functions.begin(), functions.end(), target,
                                  [](uint64_t address, const HookableFunction& one) { return address < one.address; });
    if (after != functions.begin() && (--after)->displaced.ok() && target != after->address &&
        target - after->address < after->displaced->original.size()) {
      after->displaced = Error{"another function jumps into its entry"};
    }
  };
  std::vector<uint8_t> chunk(kScanBytes);
  uint64_t left_bytes = kMaxScannedBytes;
  for (const AllocatorEntries::Segment& segment : code) {
    const uint64_t scanned_bytes = std::min(segment.size_bytes, left_bytes);
    left_bytes -= scanned_bytes;
    constexpr size_t kLongest = 6;  // jcc rel32: chunks overlap by one less
    for (uint64_t at = 0; at + kLongest <= scanned_bytes; at += kScanBytes - kLongest + 1) {
      const size_t wanted = std::min<uint64_t>(kScanBytes, scanned_bytes - at);
      const size_t count = read_code(descriptor, segment.file_offset + at, {chunk.data(), wanted});
      for (size_t i = 0; i + kLongest <= count; ++i) {
        const bool is_jump = chunk[i] == 0xe9;
        const bool is_conditional = chunk[i] == 0x0f && (chunk[i + 1] & 0xf0) == 0x80;
        if (!is_jump && !is_conditional) {
          continue;
        }
        int32_t distance;
        const size_t distance_at = i + (is_jump ? 1 : 2);
        std::memcpy(&distance, &chunk[distance_at], sizeof(distance));
        const uint64_t target = segment.address + at + distance_at + sizeof(distance) +
                                static_cast<uint64_t>(static_cast<int64_t>(distance));
        if (target > low && target < high) {
          check(target);
        }
      }
    }
  }
}

std::vector<AllocatorEntries::Segment> code_of(Elf* elf) {
  std::vector<AllocatorEntries::Segment> code;
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) {
    return code;
  }
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) != nullptr && segment.p_type == PT_LOAD &&
        (segment.p_flags & PF_X) != 0) {
      code.push_back({segment.p_offset, segment.p_filesz, segment.p_vaddr});
    }
  }
  return code;
}

std::vector<HookableFunction> judge_all(int descriptor, const std::vector<AllocatorEntries::Segment>& code,
                                        const std::vector<uint64_t>& starts, const Symbols& found) {
  // Several names at one address: one patch. The signature with the fewest arguments says what the function uses, and
  // the shortest name is the one that people know.
  const auto rank = [](const std::string& name) {
    const std::optional<HookShape> shape = allocator_shape(name);
    return std::pair(shape ? hook_arity(*shape) : 0, name.size());
  };
  std::map<uint64_t, std::pair<std::string, Symbol>> by_address;
  for (const auto& [name, symbol] : found) {
    const auto [entry, added] = by_address.try_emplace(symbol.address, name, symbol);
    if (!added) {
      Symbol& known = entry->second.second;
      known.size_bytes = std::max(known.size_bytes, symbol.size_bytes);
      if (rank(name) < rank(entry->second.first)) {
        entry->second.first = name;
      }
    }
  }
  std::vector<HookableFunction> functions;
  for (const auto& [address, named] : by_address) {
    functions.push_back(judge(descriptor, code, starts, named.first, named.second));
  }
  refuse_jumped_into(descriptor, code, functions);
  return functions;
}

}  // namespace

AllocatorEntries AllocatorEntries::read(int descriptor, const std::vector<std::string>& functions) {
  AllocatorEntries result;
  const ElfFile elf(descriptor);
  if (!elf.is_usable()) {
    return result;
  }
  result.code_ = code_of(elf.get());
  result.is_static_program_ = flarestack::is_static_program(elf.get());
  const std::vector<ElfSymbols> tables = elf_symbols(elf.get());
  Symbols entries;
  Symbols wanted;
  for (const ElfSymbols& table : tables) {
    for (size_t i = 0; i < table.count; ++i) {
      const Elf64_Sym& symbol = table.symbols[i];
      if (!is_defined_function(symbol)) {
        continue;
      }
      const std::string_view name = table.name(symbol);
      if (allocator_shape(name)) {
        note(entries, name, symbol);
      }
      if (std::find(functions.begin(), functions.end(), name) != functions.end()) {
        note(wanted, name, symbol);
      }
    }
  }
  keep_entries(entries);
  // A program may have a static function of its own under any name.
  std::erase_if(wanted, [&](const auto& entry) {
    return entry.second.is_ambiguous || (result.is_static_program_ && entry.second.is_local);
  });
  if (entries.empty() && wanted.empty()) {
    return result;
  }
  const std::vector<uint64_t> starts = function_starts(tables);
  result.functions_ = judge_all(descriptor, result.code_, starts, wanted);
  result.allocator_ = judge_all(descriptor, result.code_, starts, entries);
  for (HookableFunction& entry : result.allocator_) {
    entry.shape = has_allocator(entries) ? allocator_shape(entry.name) : relay_shape(entry.name);
  }
  return result;
}

}  // namespace flarestack
