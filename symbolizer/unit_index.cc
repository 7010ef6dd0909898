// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/unit_index.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <dwarf.h>

namespace flarestack {
namespace {

// Collects, for each address, the units that claim it.
class Collector {
 public:
  Collector(std::span<const uint64_t> addresses, std::span<const CodeSection> code)
      : addresses_(addresses), code_(code), found_(addresses.size()) {}

  void add(Dwarf_Addr start, Dwarf_Addr end, Dwarf_Off unit) {
    auto address = std::lower_bound(addresses_.begin(), addresses_.end(), start);
    if (address == addresses_.end() || *address >= end || !in_code(code_, start)) {
      return;
    }
    UnitHits& hits = units_[unit];
    hits.unit = unit;
    for (; address != addresses_.end() && *address < end; ++address) {
      const auto index = uint32_t(address - addresses_.begin());
      missing_ -= found_[index] ? 0 : 1;
      found_[index] = true;
      hits.addresses.push_back(index);
    }
  }

  bool complete() const { return missing_ == 0; }

  std::vector<UnitHits> take() {
    std::vector<UnitHits> result;
    for (auto& [offset, hits] : units_) {
      std::sort(hits.addresses.begin(), hits.addresses.end());
      hits.addresses.erase(std::unique(hits.addresses.begin(), hits.addresses.end()), hits.addresses.end());
      result.push_back(std::move(hits));
    }
    std::sort(result.begin(), result.end(),
              [](const UnitHits& left, const UnitHits& right) { return left.unit < right.unit; });
    return result;
  }

 private:
  std::span<const uint64_t> addresses_;
  std::span<const CodeSection> code_;
  std::vector<bool> found_;
  size_t missing_ = addresses_.size();
  std::unordered_map<Dwarf_Off, UnitHits> units_;
};

// Adds what .debug_aranges says, and returns the units it speaks of.
std::unordered_set<Dwarf_Off> add_aranges(Dwarf* dwarf, Collector& collector) {
  std::unordered_set<Dwarf_Off> listed;
  Dwarf_Aranges* ranges = nullptr;
  size_t count = 0;
  if (dwarf_getaranges(dwarf, &ranges, &count) != 0) {
    return listed;
  }
  for (size_t i = 0; i < count; ++i) {
    Dwarf_Addr start = 0;
    Dwarf_Word length = 0;
    Dwarf_Off unit = 0;
    if (dwarf_getarangeinfo(dwarf_onearange(ranges, i), &start, &length, &unit) == 0 && length != 0) {
      listed.insert(unit);
      collector.add(start, start + length, unit);
    }
  }
  return listed;
}

void add_unit_ranges(Dwarf* dwarf, const std::unordered_set<Dwarf_Off>& listed, Collector& collector) {
  Dwarf_Off offset = 0;
  Dwarf_Off next = 0;
  size_t header_bytes = 0;
  while (dwarf_next_unit(dwarf, offset, &next, &header_bytes, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) ==
         0) {
    const Dwarf_Off unit = offset + header_bytes;
    offset = next;
    Dwarf_Die die;
    if (listed.contains(unit) || dwarf_offdie(dwarf, unit, &die) == nullptr) {
      continue;
    }
    const int tag = dwarf_tag(&die);
    if (tag != DW_TAG_compile_unit && tag != DW_TAG_skeleton_unit) {
      continue;
    }
    Dwarf_Addr base = 0;
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    for (ptrdiff_t next_range = 0; (next_range = dwarf_ranges(&die, next_range, &base, &start, &end)) > 0;) {
      collector.add(start, end, unit);
    }
  }
}

}  // namespace

bool in_code(std::span<const CodeSection> code, uint64_t address) {
  auto after = std::upper_bound(code.begin(), code.end(), address,
                                [](uint64_t value, const CodeSection& section) { return value < section.start; });
  return after != code.begin() && address < (after - 1)->end;
}

std::vector<UnitHits> find_units(Dwarf* dwarf, std::span<const uint64_t> addresses, std::span<const CodeSection> code) {
  Collector collector(addresses, code);
  const std::unordered_set<Dwarf_Off> listed = add_aranges(dwarf, collector);
  if (!collector.complete()) {
    add_unit_ranges(dwarf, listed, collector);
  }
  std::vector<UnitHits> units = collector.take();
  for (UnitHits& hits : units) {
    Dwarf_Die die;
    Dwarf_Off next = 0;
    size_t header_bytes = 0;
    if (dwarf_offdie(dwarf, hits.unit, &die) != nullptr) {
      const Dwarf_Off header = hits.unit - dwarf_cuoffset(&die);
      if (dwarf_next_unit(dwarf, header, &next, &header_bytes, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) ==
          0) {
        hits.bytes = next - header;
      }
    }
  }
  return units;
}

}  // namespace flarestack
