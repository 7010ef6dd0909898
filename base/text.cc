// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace flarestack {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 17> kSizeUnits{{{"", 1},
                                           {"b", 1},
                                           {"k", uint64_t{1} << 10},
                                           {"kib", uint64_t{1} << 10},
                                           {"kb", 1'000},
                                           {"m", uint64_t{1} << 20},
                                           {"mib", uint64_t{1} << 20},
                                           {"mb", 1'000'000},
                                           {"g", uint64_t{1} << 30},
                                           {"gib", uint64_t{1} << 30},
                                           {"gb", 1'000'000'000},
                                           {"t", uint64_t{1} << 40},
                                           {"tib", uint64_t{1} << 40},
                                           {"tb", 1'000'000'000'000},
                                           {"p", uint64_t{1} << 50},
                                           {"pib", uint64_t{1} << 50},
                                           {"pb", 1'000'000'000'000'000}}};

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::array<Unit, 8> kDurationUnits{{{"", kNsPerSecond},
                                              {"s", kNsPerSecond},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"ns", 1},
                                              {"m", 60 * kNsPerSecond},
                                              {"min", 60 * kNsPerSecond},
                                              {"h", 3600 * kNsPerSecond}}};

constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Three significant digits: 1.50, 12.3, 456. `factor` turns `value` into the shown unit and is above 1.
std::string three_digits(uint64_t value, uint64_t factor) {
  double shown = static_cast<double>(value) / static_cast<double>(factor);
  if (shown < 9.995) return fmt::format("{:.2f}", shown);
  if (shown < 99.95) return fmt::format("{:.1f}", shown);
  return fmt::format("{:.0f}", shown);
}

void skip_spaces(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

std::string_view take_digits(std::string_view& text) {
  size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

std::string take_unit_name(std::string_view& text) {
  std::string name;
  while (!text.empty() && !is_digit(text.front()) && text.front() != ' ') {
    char c = text.front();
    name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    text.remove_prefix(1);
  }
  return name;
}

// Takes "DIGITS[.DIGITS][ ]UNIT" from the front of `text`. Integer arithmetic throughout, so that what is typed is
// exactly what is got. nullopt: not a number, no such unit, not a whole result, or too large.
std::optional<uint64_t> take_quantity(std::string_view& text, std::span<const Unit> units) {
  std::string_view whole_digits = take_digits(text);
  std::string_view fraction_digits;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction_digits = take_digits(text);
    if (fraction_digits.empty()) return std::nullopt;
  }
  skip_spaces(text);
  std::string unit_name = take_unit_name(text);
  auto unit = std::ranges::find(units, std::string_view(unit_name), &Unit::name);
  if (whole_digits.empty() || unit == units.end()) return std::nullopt;

  // kLargest has 19 digits; 19 before and 18 after the point fit in 128 bits.
  constexpr size_t kMostDigits = 19;
  if (whole_digits.size() > kMostDigits || fraction_digits.size() >= kMostDigits) return std::nullopt;
  __extension__ using Wide = unsigned __int128;
  Wide mantissa = 0;
  Wide divisor = 1;
  for (char digit : whole_digits) mantissa = mantissa * 10 + static_cast<unsigned>(digit - '0');
  for (char digit : fraction_digits) {
    mantissa = mantissa * 10 + static_cast<unsigned>(digit - '0');
    divisor *= 10;
  }
  if (mantissa / divisor > kLargest / unit->factor) return std::nullopt;
  Wide whole_part = mantissa / divisor * unit->factor;
  Wide fraction_part = mantissa % divisor * unit->factor;
  if (fraction_part % divisor != 0 || whole_part + fraction_part / divisor > kLargest) return std::nullopt;
  return static_cast<uint64_t>(whole_part + fraction_part / divisor);
}

const char* reason(std::regex_constants::error_type code) {
  switch (code) {
    case std::regex_constants::error_brack:
      return "a [ or ] without its partner";
    case std::regex_constants::error_paren:
      return "a ( or ) without its partner, or nothing to repeat before *, + or ?";  // gcc 12 tells neither apart
    case std::regex_constants::error_brace:
      return "a { or } without its partner";
    case std::regex_constants::error_badbrace:
      return "a wrong number in {}";
    case std::regex_constants::error_range:
      return "a wrong range in []";
    case std::regex_constants::error_escape:
      return "an unknown escape or a \\ at the end";
    case std::regex_constants::error_badrepeat:
      return "nothing to repeat before *, +, ? or {";
    case std::regex_constants::error_ctype:
      return "an unknown character class in []";
    case std::regex_constants::error_backref:
      return "a back-reference to no group";
    default:
      return "too complex (back-references are not supported)";
  }
}

}  // namespace

std::string format_bytes(uint64_t size_bytes) {
  constexpr std::array<std::string_view, 6> kNames{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (size_bytes < 1000) return fmt::format("{} B", size_bytes);
  // The next unit from 999.5 on, so that there are never four digits before it.
  size_t index = 0;
  uint64_t factor = 1024;
  while (index + 1 < kNames.size() && static_cast<double>(size_bytes) >= 999.5 * static_cast<double>(factor)) {
    factor *= 1024;
    ++index;
  }
  return fmt::format("{} {}", three_digits(size_bytes, factor), kNames[index]);
}

std::string format_duration(uint64_t duration_ns) {
  if (duration_ns < 1'000) return fmt::format("{} ns", duration_ns);
  if (duration_ns < 999'500) return three_digits(duration_ns, 1'000) + " us";
  if (duration_ns < 999'500'000) return three_digits(duration_ns, 1'000'000) + " ms";
  if (duration_ns < 99'950'000'000) return three_digits(duration_ns, kNsPerSecond) + " s";
  uint64_t seconds = (duration_ns + kNsPerSecond / 2) / kNsPerSecond;
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  uint64_t minutes = (seconds + 30) / 60;
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string format_percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (part != 0 && percent < 0.05) return "<0.1%";
  return fmt::format("{:.1f}%", percent);
}

std::string format_count(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t position = digits.size(); position > 3;) {
    position -= 3;
    digits.insert(position, 1, ',');
  }
  return digits;
}

std::string shorten_middle(std::string_view text, size_t width) {
  // Where each code point starts; stray continuation bytes belong to the one before.
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 0 || !is_continuation(text[i])) starts.push_back(i);
  }
  if (starts.size() <= width) return std::string(text);
  if (width < 5) return std::string(text.substr(0, starts[width]));
  size_t kept = width - 3;
  size_t head = (kept + 1) / 2;
  size_t tail = kept - head;
  return std::string(text.substr(0, starts[head])) + "..." + std::string(text.substr(starts[starts.size() - tail]));
}

std::string printable_name(std::string_view name, size_t max_bytes) {
  std::string text(name.substr(0, max_bytes));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text;
}

Result<uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  std::optional<uint64_t> size_bytes = take_quantity(rest, kSizeUnits);
  if (!size_bytes || !rest.empty()) {
    return Error{fmt::format("'{}' is not a size; write it like 4096, 512KiB or 1.5GiB", text)};
  }
  return *size_bytes;
}

Result<uint64_t> parse_duration(std::string_view text) {
  std::string_view rest = text;
  uint64_t sum_ns = 0;
  do {
    std::optional<uint64_t> part_ns = take_quantity(rest, kDurationUnits);
    if (!part_ns || *part_ns > kLargest - sum_ns) {
      return Error{fmt::format("'{}' is not a duration; write it like 500ms, 10s or 1m30s", text)};
    }
    sum_ns += *part_ns;
    skip_spaces(rest);
  } while (!rest.empty());
  return sum_ns;
}

Result<Regex> parse_regex(std::string_view pattern) {
  // The parser recurses once a parenthesis; nobody types more than this.
  constexpr size_t kLongestPatternBytes = 4096;
  if (pattern.size() > kLongestPatternBytes) {
    return Error{fmt::format("a regular expression of {} bytes is too long; at most {} are read", pattern.size(),
                             kLongestPatternBytes)};
  }
  try {
    // __polynomial: libstdc++'s breadth-first executor (see the class comment).
    return Regex(
        std::regex(pattern.begin(), pattern.end(), std::regex::ECMAScript | std::regex_constants::__polynomial));
  } catch (const std::regex_error& error) {
    return Error{fmt::format("'{}' is not a regular expression: {}", pattern, reason(error.code()))};
  }
}

bool Regex::found_in(std::string_view text) const { return std::regex_search(text.begin(), text.end(), compiled_); }

}  // namespace flarestack
