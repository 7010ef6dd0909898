// SPDX-License-Identifier: Apache-2.0
#include "base/perf_map.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/interval_map.h"
#include "base/text.h"

namespace flarestack {
namespace {

struct Entry {
  uint64_t start = 0;
  uint64_t end = 0;
  std::string_view name;
};

// Takes a hexadecimal number, with or without "0x", and the spaces behind it off `line`.
std::optional<uint64_t> take_number(std::string_view& line) {
  if (line.starts_with("0x") || line.starts_with("0X")) {
    line.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value, 16);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') {
    return std::nullopt;
  }
  line.remove_prefix(std::min(line.find_first_not_of(' ', size_t(end - line.data())), line.size()));
  return value;
}

std::optional<Entry> parse_line(std::string_view line) {
  const std::optional<uint64_t> start = take_number(line);
  const std::optional<uint64_t> size = start ? take_number(line) : std::nullopt;
  if (!size || *size == 0 || *start + *size < *start || line.empty()) {
    return std::nullopt;
  }
  return Entry{*start, *start + *size, line.substr(0, PerfMap::kMaxNameBytes)};
}

}  // namespace

PerfMap PerfMap::parse(std::string_view text) {
  PerfMap map;
  IntervalMap<std::string_view> parts;
  while (!text.empty()) {
    const size_t length = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (const std::optional<Entry> entry = parse_line(line)) {
      parts.set(entry->start, entry->end, entry->name);
    } else if (!line.empty()) {
      ++map.bad_lines_;
    }
  }
  map.functions_.reserve(parts.parts().size());
  for (const auto& [start, part] : parts.parts()) {
    map.functions_.push_back({start, part.end, printable_name(part.value)});
  }
  return map;
}

const JitFunction* PerfMap::find(RuntimeAddress address) const {
  auto after =
      std::upper_bound(functions_.begin(), functions_.end(), address.value,
                       [](uint64_t value, const JitFunction& function) { return value < function.runtime_start; });
  if (after == functions_.begin()) {
    return nullptr;
  }
  const JitFunction& function = *(after - 1);
  return address.value < function.runtime_end ? &function : nullptr;
}

}  // namespace flarestack
