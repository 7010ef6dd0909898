// SPDX-License-Identifier: Apache-2.0
// links: flarestack_symbolizer
// Any bytes as .debug_line, .debug_line_str and .debug_str at once: matching ends, and every file has a name or none.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "symbolizer/line_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace std::literals;  // NOLINT: a program of one function
  const std::span<const uint8_t> bytes(data, size);
  const flarestack::LineSections sections{bytes, bytes, bytes};
  const std::vector<flarestack::CodeSection> code{{0, UINT64_MAX}};
  const std::vector<uint64_t> addresses{0, 1, 0x1000, 0x1180, 0x1184, 0x401136, 0x401140, UINT64_MAX - 1};
  auto table = flarestack::LineTable::open(sections, 0, "/src"sv);
  if (!table) {
    return 0;
  }
  const std::vector<flarestack::LineMatch> matches = table->match(addresses, code);
  if (matches.size() != addresses.size()) {
    std::abort();
  }
  for (const flarestack::LineMatch& match : matches) {
    if (!match.found && (match.file != 0 || match.line != 0)) {
      std::abort();
    }
    table->file(match.file);
  }
  return 0;
}
