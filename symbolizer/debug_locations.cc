// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/debug_locations.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "symbolizer/parallel.h"
#include "symbolizer/unit_index.h"

namespace flarestack {
namespace {

uint64_t total_bytes(std::span<const UnitHits> units) {
  uint64_t bytes = 0;
  for (const UnitHits& hits : units) {
    bytes += hits.bytes;
  }
  return bytes;
}

// Cuts `units` into `count` runs of about the same number of bytes.
std::vector<std::span<const UnitHits>> shares(std::span<const UnitHits> units, size_t count) {
  std::vector<std::span<const UnitHits>> result;
  const uint64_t share = total_bytes(units) / count + 1;
  uint64_t bytes = 0;
  size_t first = 0;
  for (size_t i = 0; i < units.size(); ++i) {
    bytes += units[i].bytes;
    if (bytes >= share || i + 1 == units.size()) {
      result.push_back(units.subspan(first, i + 1 - first));
      first = i + 1;
      bytes = 0;
    }
  }
  return result;
}

void resolve_units(ModuleFile& file, std::span<const UnitHits> units, std::span<const uint64_t> addresses,
                   std::span<const CodeSection> code, std::span<DebugLocation> locations,
                   std::vector<EntryLocation>& entries) {
  if (Dwarf* dwarf = file.dwarf()) {
    DebugInfo debug_info(
        dwarf, code,
        {file.bundle(), file.key(), file.package_paths(), file.debug_path().empty() ? file.path() : file.debug_path()});
    for (const UnitHits& hits : units) {
      debug_info.resolve(hits, addresses, locations, entries);
    }
  }
}

// A function that several units define (templates, inline functions) is claimed by each of them. The linker keeps the
// first copy, so the first unit describes the code that is there: an address is looked up there first, and in the
// others only if that fails.
struct Claims {
  std::vector<UnitHits> first;
  std::vector<UnitHits> others;
};

Claims split_claims(std::span<const UnitHits> units, size_t address_count) {
  std::vector<bool> claimed(address_count);
  Claims claims;
  for (const UnitHits& hits : units) {
    UnitHits first{hits.unit, hits.bytes, {}};
    UnitHits others{hits.unit, hits.bytes, {}};
    for (const uint32_t index : hits.addresses) {
      (claimed[index] ? others : first).addresses.push_back(index);
      claimed[index] = true;
    }
    if (!first.addresses.empty()) {
      claims.first.push_back(std::move(first));
    }
    if (!others.addresses.empty()) {
      claims.others.push_back(std::move(others));
    }
  }
  return claims;
}

}  // namespace

DebugLocations find_debug_locations(const SymbolModule& module, ModuleFile& file,
                                    std::span<const uint64_t> module_addresses,
                                    std::span<const CodeSection> module_code, const SymbolizerOptions& options,
                                    uint64_t unit_bytes_per_thread) {
  DebugLocations result;
  result.locations.resize(module_addresses.size());
  Dwarf* dwarf = file.dwarf();
  if (dwarf == nullptr) {
    return result;
  }
  const uint64_t bias = file.dwarf_bias();
  std::vector<uint64_t> addresses(module_addresses.begin(), module_addresses.end());
  std::for_each(addresses.begin(), addresses.end(), [&](uint64_t& address) { address += bias; });
  std::vector<CodeSection> code(module_code.begin(), module_code.end());
  std::for_each(code.begin(), code.end(), [&](CodeSection& section) {
    section = {section.start + bias, section.end + bias};
  });

  const Claims claims = split_claims(find_units(dwarf, addresses, code), addresses.size());
  const uint64_t threads =
      std::clamp<uint64_t>(total_bytes(claims.first) / unit_bytes_per_thread, 1, std::max(options.threads, 1u));
  const std::vector<std::span<const UnitHits>> parts = shares(claims.first, threads);
  std::vector<std::vector<EntryLocation>> entries(parts.size() + 1);  // of each part, and of the others
  run_parallel(parts.size(), unsigned(threads), [&](size_t i) {
    if (i == 0) {
      resolve_units(file, parts[i], addresses, code, result.locations, entries[i]);
    } else if (Result<ModuleFile> own = ModuleFile::open(module, options.debug_directories); own.ok()) {
      resolve_units(*own, parts[i], addresses, code, result.locations, entries[i]);
    }
  });
  resolve_units(file, claims.others, addresses, code, result.locations, entries.back());

  for (std::vector<EntryLocation>& each : entries) {
    std::move(each.begin(), each.end(), std::back_inserter(result.entries));
  }
  const auto unbias = [bias](DebugLocation& location) {
    for (SymbolFrame& frame : location.frames) {
      frame.function_offset -= bias;
    }
  };
  std::for_each(result.locations.begin(), result.locations.end(), unbias);
  for (EntryLocation& entry : result.entries) {
    entry.address -= bias;
    unbias(entry.location);
  }
  return result;
}

}  // namespace flarestack
