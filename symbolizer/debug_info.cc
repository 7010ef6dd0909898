// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/debug_info.h"

#include <algorithm>
#include <utility>

#include <dwarf.h>

#include "symbolizer/dwarf_attributes.h"
#include "symbolizer/function_names.h"
#include "symbolizer/function_walk.h"
#include "symbolizer/line_table.h"
#include "symbolizer/unit_reader.h"

namespace flarestack {
namespace {

uint64_t entry_address(Dwarf_Die die) {
  Dwarf_Addr entry = 0;
  Dwarf_Addr base = 0;
  Dwarf_Addr end = 0;
  if (dwarf_entrypc(&die, &entry) != 0 || entry == 0) {
    dwarf_ranges(&die, 0, &base, &entry, &end);  // compilers list the part that is entered first
  }
  return entry;
}

std::optional<LineTable> line_table(const LineSections& sections, Dwarf_Die unit) {
  Dwarf_Attribute attribute;
  Dwarf_Word offset = 0;
  if (dwarf_formudata(dwarf_attr(&unit, DW_AT_stmt_list, &attribute), &offset) != 0) {
    return std::nullopt;
  }
  const char* directory = dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attribute));
  return LineTable::open(sections, offset, directory == nullptr ? "" : directory);
}

// Of the functions of `chains`, but for those among the ascending `addresses`; ascending.
std::vector<uint64_t> entries_beside(std::span<const uint64_t> addresses,
                                     std::span<const std::vector<Dwarf_Die>> chains) {
  std::vector<uint64_t> entries;
  for (const std::vector<Dwarf_Die>& chain : chains) {
    const uint64_t entry = chain.empty() ? 0 : entry_address(chain.front());
    if (entry != 0 && !std::binary_search(addresses.begin(), addresses.end(), entry)) {
      entries.push_back(entry);
    }
  }
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

// `places`: addresses, each once, and what to fill.
void fill_lines(LineTable& lines, std::span<const CodeSection> code,
                std::vector<std::pair<uint64_t, DebugLocation*>>& places) {
  std::sort(places.begin(), places.end());
  std::vector<uint64_t> addresses;
  for (const auto& [address, location] : places) {
    addresses.push_back(address);
  }
  const std::vector<LineMatch> matches = lines.match(addresses, code);
  for (size_t i = 0; i < places.size(); ++i) {
    if (matches[i].found) {
      places[i].second->file = lines.file(matches[i].file);
      places[i].second->line = matches[i].line;
    }
  }
}

}  // namespace

struct DebugInfo::State {
  State(Dwarf* handle, SplitUnits::Sources split)
      : dwarf(handle), sections(line_sections(handle)), split_units(handle, std::move(split)) {}

  Dwarf* dwarf = nullptr;
  LineSections sections;
  SplitUnits split_units;
  std::span<const CodeSection> code;
  FunctionNames names;

  // `chain` outermost first. The line of each frame is where it is in that function: the innermost one's by the line
  // table, the others' by the call that was inlined.
  void fill_frames(const std::vector<Dwarf_Die>& chain, std::optional<LineTable>& lines, DebugLocation& location) {
    const uint64_t entry = entry_address(chain.front());
    for (size_t i = chain.size(); i-- > 0;) {
      const FunctionName& function = names.of(chain[i]);
      SymbolFrame frame;
      frame.function = function.text.empty() && i > 0 ? "[unnamed inlined function]" : function.text;
      if (i + 1 == chain.size()) {
        frame.file = location.file;
        frame.line = location.line;
      } else {
        const Dwarf_Die call = chain[i + 1];
        frame.file = lines ? lines->file(number_attribute(call, DW_AT_call_file)) : std::string();
        frame.line = uint32_t(number_attribute(call, DW_AT_call_line));
      }
      frame.inlined = i > 0;
      frame.function_offset = entry;
      location.plain_name = function.plain;
      location.frames.push_back(std::move(frame));
    }
  }
};

DebugInfo::DebugInfo(Dwarf* dwarf, std::span<const CodeSection> code, SplitUnits::Sources split)
    : state_(std::make_unique<State>(dwarf, std::move(split))) {
  state_->code = code;
}

DebugInfo::~DebugInfo() = default;

void DebugInfo::resolve(const UnitHits& hits, std::span<const uint64_t> addresses, std::span<DebugLocation> locations,
                        std::vector<EntryLocation>& entries) {
  std::vector<uint32_t> wanted;
  std::vector<uint64_t> wanted_addresses;
  for (const uint32_t index : hits.addresses) {
    if (locations[index].frames.empty()) {
      wanted.push_back(index);
      wanted_addresses.push_back(addresses[index]);
    }
  }
  Dwarf_Die unit;
  if (wanted.empty() || dwarf_offdie(state_->dwarf, hits.unit, &unit) == nullptr) {
    return;
  }
  // Split DWARF: the skeleton unit has the ranges and the lines, its other half the functions.
  const Dwarf_Die tree = state_->split_units.entries_of(unit);
  const std::optional<UnitReader> reader = UnitReader::open(tree);
  std::vector<std::vector<Dwarf_Die>> chains(wanted.size());
  std::vector<EntryLocation> found;
  std::vector<std::vector<Dwarf_Die>> entry_chains;
  if (reader) {
    Dwarf_Die tree_copy = tree;
    const int language = dwarf_srclang(&tree_copy);
    chains = FunctionWalk(*reader, language, wanted_addresses, state_->code).run();
    std::vector<uint64_t> entry_addresses = entries_beside(wanted_addresses, chains);
    entry_chains = FunctionWalk(*reader, language, entry_addresses, state_->code).run();
    for (const uint64_t address : entry_addresses) {
      found.push_back({address, {}});
    }
  }

  std::optional<LineTable> lines = line_table(state_->sections, unit);
  if (lines) {
    std::vector<std::pair<uint64_t, DebugLocation*>> places;
    for (size_t i = 0; i < wanted.size(); ++i) {
      places.emplace_back(wanted_addresses[i], &locations[wanted[i]]);
    }
    for (EntryLocation& entry : found) {
      places.emplace_back(entry.address, &entry.location);
    }
    fill_lines(*lines, state_->code, places);
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!chains[i].empty()) {
      state_->fill_frames(chains[i], lines, locations[wanted[i]]);
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (!entry_chains[i].empty()) {
      state_->fill_frames(entry_chains[i], lines, found[i].location);
      entries.push_back(std::move(found[i]));
    }
  }
}

}  // namespace flarestack
