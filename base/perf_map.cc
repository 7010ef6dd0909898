// SPDX-License-Identifier: Apache-2.0
#include "base/perf_map.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

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

struct Part {
  uint64_t end = 0;
  std::string_view name;
};
using Parts = std::map<uint64_t, Part>;  // by start, disjoint

// Cuts [start, end) out of what is there.
void clear(Parts& parts, uint64_t start, uint64_t end) {
  auto part = parts.lower_bound(start);
  if (part != parts.begin()) {
    auto before = std::prev(part);
    const Part old = before->second;
    if (old.end > start) {
      before->second.end = start;
      if (old.end > end) {
        parts.emplace(end, old);
        return;
      }
    }
  }
  while (part != parts.end() && part->first < end) {
    const Part old = part->second;
    part = parts.erase(part);
    if (old.end > end) {
      parts.emplace(end, old);
      return;
    }
  }
}

std::string printable(std::string_view name) {
  std::string text(name);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text;
}

}  // namespace

PerfMap PerfMap::parse(std::string_view text) {
  PerfMap map;
  Parts parts;
  while (!text.empty()) {
    const size_t length = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (const std::optional<Entry> entry = parse_line(line)) {
      clear(parts, entry->start, entry->end);
      parts[entry->start] = {entry->end, entry->name};
    } else if (!line.empty()) {
      ++map.bad_lines_;
    }
  }
  map.functions_.reserve(parts.size());
  for (const auto& [start, part] : parts) {
    map.functions_.push_back({start, part.end, printable(part.name)});
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
