// SPDX-License-Identifier: Apache-2.0
// LineTable: source lines of addresses, from one unit's line number program (DWARF 2 to 5). Offline side; one thread.
//
// Problem: libdw makes a sorted array of all rows of a unit, 10^5 of them for a dozen addresses, which took more than
// half of the time of a report; and in that array the rows of functions that the linker discarded, which start at
// address 0, mix with those of real code. Choice: run the program and look at the rows as they come. Cost: this file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <elfutils/libdw.h>

#include "symbolizer/byte_reader.h"
#include "symbolizer/symbol_table.h"

namespace flarestack {

// The sections that hold line tables, unpacked. Borrowed from the Dwarf handle.
struct LineSections {
  std::span<const uint8_t> line;
  std::span<const uint8_t> line_strings;
  std::span<const uint8_t> strings;
};
LineSections line_sections(Dwarf* dwarf);

// Where an address is. line 0: the compiler attributes it to no line, or no row covers it (then file is 0 as well).
struct LineMatch {
  uint64_t file = 0;
  uint32_t line = 0;
  bool found = false;
};

class LineTable {
 public:
  // The table at `offset` of .debug_line, of a unit compiled in `directory`. None: its header makes no sense.
  static std::optional<LineTable> open(const LineSections& sections, uint64_t offset, std::string_view directory);

  // For each of the ascending addresses. Sequences that start outside of `code` are ignored.
  std::vector<LineMatch> match(std::span<const uint64_t> addresses, std::span<const CodeSection> code) const;
  // The path that the unit knows by that number (of a row, or of DW_AT_call_file); empty: none. Absolute if the
  // directory of the compilation is; without "." and "..".
  const std::string& file(uint64_t index);

 private:
  struct File {
    std::string_view name;
    uint64_t directory = 0;
  };
  std::string read_path(uint64_t index) const;
  bool read_header(ByteReader& reader, const LineSections& sections);
  bool read_entries_5(ByteReader& reader, const LineSections& sections, std::vector<File>& entries);
  void read_entries_4(ByteReader& reader);

  std::string_view directory_;
  std::vector<std::string_view> directories_;
  std::vector<File> files_;
  std::unordered_map<uint64_t, std::string> paths_;  // those that were asked for
  uint16_t version_ = 0;
  uint8_t offset_bytes_ = 4;
  uint8_t minimum_instruction_ = 1;
  int8_t line_base_ = 0;
  uint8_t line_range_ = 1;
  uint8_t opcode_base_ = 1;
  std::vector<uint8_t> operand_counts_;  // of the standard opcodes, from 1
  ByteReader program_;
};

}  // namespace flarestack
