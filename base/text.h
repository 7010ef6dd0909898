// SPDX-License-Identifier: Apache-2.0
// Numbers as people read and type them. Recorder and offline side. All output is ASCII and free of the locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <regex>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace flarestack {

// "0 B", "999 B", "1.50 KiB", "12.3 MiB", "456 GiB": three significant digits, powers of 1024.
std::string format_bytes(uint64_t size_bytes);
// "0 ns", "12.3 us", "4.56 ms", "1.50 s", "2 min 05 s", "3 h 07 min".
std::string format_duration(uint64_t duration_ns);
// "42.0%" of whole; "<0.1%" where a part that is not 0 would be rounded to nothing; "-" where whole is 0.
std::string format_percent(uint64_t part, uint64_t whole);
// "1,234,567".
std::string format_count(uint64_t count);

// `text` in at most `width` code points, its middle replaced by "..." where it is longer: the start of a function's
// name and the end of a path both stay. A UTF-8 sequence is never cut. With width < 5 the end is cut instead.
std::string shorten_middle(std::string_view text, size_t width);

// The first `max_bytes` of a name that a program gave, its control characters replaced by '?'.
std::string printable_name(std::string_view name, size_t max_bytes = 1024);

// Bytes from "4096", "512KiB", "512K" (1024), "512kB" (1000), "1.5GiB", "2 MB"; case does not matter.
// Fails on anything else, on a fraction of a byte and on more than 2^63-1.
Result<uint64_t> parse_size(std::string_view text);
// Nanoseconds from "10s", "500ms", "250us", "80ns", "2m" or "2min", "1h", "1m30s", "0.5s"; a bare number is seconds.
// Fails on anything else, on a fraction of a nanosecond and on more than 2^63-1.
Result<uint64_t> parse_duration(std::string_view text);

// An ECMAScript regular expression to be searched for. Searching takes polynomial time and bounded stack whatever the
// pattern and the text, which std::regex alone does not promise (its default executor recurses once a character);
// the price is that back-references are refused.
class Regex {
 public:
  bool found_in(std::string_view text) const;

 private:
  friend Result<Regex> parse_regex(std::string_view);
  explicit Regex(std::regex compiled) : compiled_(std::move(compiled)) {}
  std::regex compiled_;
};

// The error quotes the pattern and says what is wrong with it. Case matters.
Result<Regex> parse_regex(std::string_view pattern);

}  // namespace flarestack
