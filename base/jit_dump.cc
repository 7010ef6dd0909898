// SPDX-License-Identifier: Apache-2.0
#include "base/jit_dump.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "base/interval_map.h"
#include "base/text.h"

namespace flarestack {
namespace {

constexpr uint32_t kMagic = 0x4A695444;     // "JiTD"
constexpr uint64_t kArchitectureClock = 1;  // flag: times are of the TSC
constexpr size_t kHeaderBytes = 40;
constexpr size_t kPrefixBytes = 16;  // of a record
constexpr size_t kEntryBytes = 16;   // of a line, without its file
enum RecordId : uint32_t { kLoad = 0, kMove = 1, kDebugInfo = 2, kClose = 3 };

// V8 adds the size of the ELF header that perf will put before the code to the addresses of lines.
constexpr uint64_t kElfHeaderBytes = 0x40;

template <typename Number>  // uint32_t, uint64_t
Number number_at(std::string_view bytes, size_t offset) {
  Number number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof number);  // the caller has checked the size
  return number;
}

// What is left behind the last entry at most: records are padded to multiples of eight bytes.
constexpr size_t kMostPadding = 7;

// UTF-8 without control characters, as far as the lengths of its sequences tell.
bool is_text(std::string_view text) {
  size_t expected = 0;  // continuation bytes
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    const bool continues = (byte & 0xC0) == 0x80;
    if (byte < 0x20 || byte == 0x7F || byte > 0xF4 || continues != (expected != 0)) {
      return false;
    }
    expected = continues ? expected - 1 : byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
  }
  return expected == 0;
}

// None if they do not fill `body`, or a file of theirs is no text.
std::vector<JitLine> line_entries(std::string_view body, uint64_t count) {
  std::vector<JitLine> entries;
  for (uint64_t i = 0; i < count; ++i) {
    const size_t zero = body.size() < kEntryBytes ? std::string_view::npos : body.find('\0', kEntryBytes);
    if (zero == std::string_view::npos) {
      return {};
    }
    JitLine line{number_at<uint64_t>(body, 0), number_at<uint32_t>(body, 8),
                 body.substr(kEntryBytes, zero - kEntryBytes)};
    if (line.file == "\xff") {
      line.file = entries.empty() ? std::string_view() : entries.back().file;
    } else if (!is_text(line.file)) {
      return {};
    }
    entries.push_back(line);
    body.remove_prefix(zero + 1);
  }
  return body.size() <= kMostPadding ? entries : std::vector<JitLine>();
}

// V8 writes file names out of memory that it has freed (seen of 11.3, of names that are not in the snapshot): as many
// bytes as the name has, with anything in them. Where all entries are of one file, they can be told by their size. None
// if they cannot.
std::vector<JitLine> entries_of_one_size(std::string_view body, uint64_t count, uint64_t code_address) {
  constexpr uint64_t kMostCode = 1U << 28;
  for (size_t padding = 0; padding <= kMostPadding; ++padding) {
    if (count == 0 || body.size() < padding + kEntryBytes + 1 || (body.size() - padding) % count != 0) {
      continue;
    }
    const size_t entry_bytes = (body.size() - padding) / count;
    std::vector<JitLine> entries;
    for (uint64_t i = 0; i < count && entry_bytes > kEntryBytes; ++i) {
      const std::string_view entry = body.substr(i * entry_bytes, entry_bytes);
      const uint64_t address = number_at<uint64_t>(entry, 0);
      if (entry.back() != '\0' || address - code_address >= kMostCode) {
        break;
      }
      entries.push_back({address, number_at<uint32_t>(entry, 8), {}});
    }
    if (entries.size() == count) {
      return entries;
    }
  }
  return {};
}

// Where a function begins, as V8 puts it into names: "JS:*hot /src/hot.js:1:13", "JS:^resolve node:path:1217:10". An
// empty file: it is no such name.
struct Declaration {
  std::string_view file;
  uint32_t line = 0;
};

Declaration declaration_in_name(std::string_view name) {
  std::string_view number;
  std::string_view rest = name;
  for (int i = 0; i < 2; ++i) {  // the column, then the line
    const size_t before = rest.find_last_not_of("0123456789");
    if (before == std::string_view::npos || rest[before] != ':' || before + 1 == rest.size()) {
      return {};
    }
    number = rest.substr(before + 1);
    rest = rest.substr(0, before);
  }
  const size_t space = std::min({rest.find(" /"), rest.find(" file:"), rest.find(" node:")});
  Declaration declaration;
  std::from_chars(number.data(), number.data() + number.size(), declaration.line);  // 0 if it is too large
  if (rest.starts_with("JS:") && space != std::string_view::npos) {
    declaration.file = rest.substr(space + 1);
  }
  return declaration;
}

// V8 gives code of its baseline compiler ("^") and of its interpreter ("~") the lines of their bytecode: the offsets
// are not those of machine code (seen of 11.3; the optimizing compilers, "+" and "*", write their own).
bool is_of_bytecode(std::string_view name) { return name.starts_with("JS:^") || name.starts_with("JS:~"); }

}  // namespace

JitDump JitDump::parse(std::string_view bytes) {
  JitDump dump;
  if (bytes.size() < kHeaderBytes || number_at<uint32_t>(bytes, 0) != kMagic) {
    return dump;
  }
  const size_t header_bytes = number_at<uint32_t>(bytes, 8);
  dump.pid_ = int32_t(number_at<uint32_t>(bytes, 20));
  dump.has_times_ = (number_at<uint64_t>(bytes, 32) & kArchitectureClock) == 0;
  if (header_bytes < kHeaderBytes || header_bytes > bytes.size()) {
    ++dump.bad_records_;
    return dump;
  }
  bytes.remove_prefix(header_bytes);
  while (bytes.size() >= kPrefixBytes) {
    const uint32_t id = number_at<uint32_t>(bytes, 0);
    const size_t record_bytes = number_at<uint32_t>(bytes, 4);
    const uint64_t time_ns = dump.has_times_ ? number_at<uint64_t>(bytes, 8) : 0;
    if (record_bytes < kPrefixBytes || record_bytes > bytes.size()) {
      ++dump.bad_records_;
      break;
    }
    const std::string_view body = bytes.substr(kPrefixBytes, record_bytes - kPrefixBytes);
    bytes.remove_prefix(record_bytes);
    if (id == kLoad) {
      dump.add_load(body, time_ns);
    } else if (id == kMove) {
      dump.add_move(body, time_ns);
    } else if (id == kDebugInfo) {
      dump.add_lines(body);
    } else if (id == kClose) {
      break;
    }
  }
  dump.settle();
  return dump;
}

// pid, tid: u32; vma, code address, code size, index: u64; the name and its zero; the code.
void JitDump::add_load(std::string_view body, uint64_t time_ns) {
  constexpr size_t kFixedBytes = 40;
  const size_t zero = body.find('\0', kFixedBytes);
  if (body.size() < kFixedBytes || zero == std::string_view::npos) {
    ++bad_records_;
    return;
  }
  Code code;
  code.start = number_at<uint64_t>(body, 16);
  code.end = code.start + number_at<uint64_t>(body, 24);
  code.original_start = code.start;
  code.loaded_ns = time_ns;
  code.name = body.substr(kFixedBytes, zero - kFixedBytes);
  if (code.end <= code.start || code.name.empty()) {
    ++bad_records_;
    return;
  }
  // The lines of a piece of code are written just before it.
  if (!lines_.empty() && lines_.back().code_address == code.start) {
    code.lines = lines_.size() - 1;
  }
  codes_.push_back(code);
}

// pid, tid: u32; vma, old address, new address, size, index: u64.
void JitDump::add_move(std::string_view body, uint64_t time_ns) {
  if (body.size() < 48) {
    ++bad_records_;
    return;
  }
  const uint64_t from = number_at<uint64_t>(body, 16);
  const auto old = std::find_if(codes_.rbegin(), codes_.rend(), [&](const Code& code) { return code.start == from; });
  const uint64_t to = number_at<uint64_t>(body, 24);
  if (old == codes_.rend() || to + (old->end - old->start) < to) {
    ++bad_records_;
    return;
  }
  Code code = *old;
  code.end = to + (old->end - old->start);
  code.start = to;
  code.loaded_ns = time_ns;
  codes_.push_back(code);
}

// Code address, number of entries: u64; of each entry its address: u64, line, discriminator (of V8: the column): u32,
// file and its zero, where "\xff" is the file of the entry before.
void JitDump::add_lines(std::string_view body) {
  if (body.size() < 16) {
    ++bad_records_;
    return;
  }
  Lines lines;
  lines.code_address = number_at<uint64_t>(body, 0);
  const uint64_t count = number_at<uint64_t>(body, 8);
  body.remove_prefix(16);
  lines.lines = line_entries(body, count);
  if (lines.lines.empty()) {
    lines.lines = entries_of_one_size(body, count, lines.code_address);
  }
  bad_records_ += lines.lines.empty() && count != 0 ? 1 : 0;
  lines_.push_back(std::move(lines));
}

// Beyond this point no code is added.
void JitDump::settle() {
  std::stable_sort(codes_.begin(), codes_.end(),
                   [](const Code& left, const Code& right) { return left.loaded_ns < right.loaded_ns; });
  bool all_behind_header = true;
  bool any_behind_end = false;
  for (Lines& lines : lines_) {
    std::stable_sort(lines.lines.begin(), lines.lines.end(),
                     [](const JitLine& left, const JitLine& right) { return left.address < right.address; });
    all_behind_header = all_behind_header &&
                        (lines.lines.empty() || lines.lines.front().address >= lines.code_address + kElfHeaderBytes);
  }
  for (const Code& code : codes_) {
    any_behind_end =
        any_behind_end || (code.lines != SIZE_MAX && !lines_[code.lines].lines.empty() &&
                           code.start == code.original_start && lines_[code.lines].lines.back().address >= code.end);
  }
  if (all_behind_header && any_behind_end) {
    for (Lines& lines : lines_) {
      for (JitLine& line : lines.lines) {
        line.address -= kElfHeaderBytes;
      }
    }
  }
}

JitPlace JitDump::place_in(const Code& code, uint64_t address) const {
  const Declaration declaration = declaration_in_name(code.name);
  std::string_view file = declaration.file;
  uint32_t line = declaration.line;
  if (code.lines != SIZE_MAX && !is_of_bytecode(code.name)) {
    const std::vector<JitLine>& lines = lines_[code.lines].lines;
    const uint64_t in_lines = address - code.start + code.original_start;
    const auto after = std::upper_bound(lines.begin(), lines.end(), in_lines,
                                        [](uint64_t value, const JitLine& each) { return value < each.address; });
    if (after != lines.begin()) {
      file = std::prev(after)->file.empty() ? declaration.file : std::prev(after)->file;
      line = std::prev(after)->line;
    }
  }
  JitPlace place;
  place.name = printable_name(code.name);
  place.file = printable_name(file, 4096);
  place.line = place.file.empty() ? 0 : line;
  return place;
}

std::vector<JitPlace> JitDump::resolve(std::span<const JitQuery> queries) const {
  std::vector<JitPlace> places(queries.size());
  std::vector<size_t> order(queries.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t left, size_t right) { return queries[left].monotonic_ns < queries[right].monotonic_ns; });
  const auto is_after = [&](const Code& code, size_t query) {
    return has_times_ && code.loaded_ns > queries[query].monotonic_ns;
  };
  const auto answer = [&](const IntervalMap<size_t>& map, size_t query) {
    if (const size_t* code = map.find(queries[query].lookup.value); code != nullptr && places[query].name.empty()) {
      places[query] = place_in(codes_[*code], queries[query].lookup.value);
    }
  };
  IntervalMap<size_t> loaded;
  size_t next = 0;
  for (const size_t query : order) {
    for (; next < codes_.size() && !is_after(codes_[next], query); ++next) {
      loaded.set(codes_[next].start, codes_[next].end, next);
    }
    answer(loaded, query);
  }
  // Then backwards, so that the first one after a query is the one that is there.
  IntervalMap<size_t> to_come;
  next = codes_.size();
  for (auto query = order.rbegin(); query != order.rend(); ++query) {
    for (; next > 0 && is_after(codes_[next - 1], *query); --next) {
      to_come.set(codes_[next - 1].start, codes_[next - 1].end, next - 1);
    }
    answer(to_come, *query);
  }
  return places;
}

}  // namespace flarestack
