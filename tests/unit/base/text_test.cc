// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <limits>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

TEST_CASE("bytes have three significant digits and never four before the point") {
  REQUIRE(format_bytes(0) == "0 B");
  REQUIRE(format_bytes(999) == "999 B");
  REQUIRE(format_bytes(1000) == "0.98 KiB");
  REQUIRE(format_bytes(1024) == "1.00 KiB");
  REQUIRE(format_bytes(1536) == "1.50 KiB");
  REQUIRE(format_bytes(12'900'000) == "12.3 MiB");
  REQUIRE(format_bytes(uint64_t{456} << 30) == "456 GiB");
  REQUIRE(format_bytes((uint64_t{1} << 20) - 1) == "1.00 MiB");
  REQUIRE(format_bytes(kMost) == "16.0 EiB");
}

TEST_CASE("durations go from nanoseconds to hours") {
  REQUIRE(format_duration(0) == "0 ns");
  REQUIRE(format_duration(999) == "999 ns");
  REQUIRE(format_duration(12'345) == "12.3 us");
  REQUIRE(format_duration(4'560'000) == "4.56 ms");
  REQUIRE(format_duration(999'600'000) == "1.00 s");
  REQUIRE(format_duration(99'900'000'000) == "99.9 s");
  REQUIRE(format_duration(125'000'000'000) == "2 min 05 s");
  REQUIRE(format_duration(3'599'600'000'000) == "1 h 00 min");
  REQUIRE(format_duration(uint64_t{11'220} * 1'000'000'000) == "3 h 07 min");
}

TEST_CASE("a percentage that is not zero never reads as zero") {
  REQUIRE(format_percent(0, 10) == "0.0%");
  REQUIRE(format_percent(42, 100) == "42.0%");
  REQUIRE(format_percent(10, 10) == "100.0%");
  REQUIRE(format_percent(1, 1'000'000) == "<0.1%");
  REQUIRE(format_percent(0, 0) == "-");
}

TEST_CASE("counts are grouped by thousands") {
  REQUIRE(format_count(0) == "0");
  REQUIRE(format_count(999) == "999");
  REQUIRE(format_count(1000) == "1,000");
  REQUIRE(format_count(1'234'567) == "1,234,567");
  REQUIRE(format_count(kMost) == "18,446,744,073,709,551,615");
}

TEST_CASE("a long name loses its middle and gets exactly the width") {
  REQUIRE(shorten_middle("short", 5) == "short");
  REQUIRE(shorten_middle("0123456789", 9) == "012...789");
  REQUIRE(shorten_middle("0123456789", 8) == "012...89");
  REQUIRE(shorten_middle("0123456789", 4) == "0123");
  REQUIRE(shorten_middle("0123456789", 0).empty());
}

TEST_CASE("a name is never cut inside a UTF-8 sequence") {
  REQUIRE(shorten_middle("äöüÄÖÜ", 6) == "äöüÄÖÜ");
  REQUIRE(shorten_middle("äöüÄÖÜß", 6) == "äö...ß");
  REQUIRE(shorten_middle("\x80\x80\x80", 1) == "\x80\x80\x80");  // no sequence at all: one broken code point
}

TEST_CASE("sizes are read with binary and decimal units") {
  REQUIRE(*parse_size("0") == 0);
  REQUIRE(*parse_size("4096") == 4096);
  REQUIRE(*parse_size("512KiB") == 512 * 1024);
  REQUIRE(*parse_size("512k") == 512 * 1024);
  REQUIRE(*parse_size("512kB") == 512'000);
  REQUIRE(*parse_size("2 MB") == 2'000'000);
  REQUIRE(*parse_size("1.5GiB") == uint64_t{3} << 29);
  REQUIRE(*parse_size("0.5kb") == 500);
  REQUIRE(*parse_size("9223372036854775807") == kMost >> 1);
}

TEST_CASE("what is not a size says so and shows how to write one") {
  for (std::string_view wrong : {"", "x", "-1", "1.", ".5k", "1.2.3", "0.3", "12 parsecs", "1k2", "1 k x", "0x10",
                                 "99999999999999999999", "9000000PiB", "9223372036854775808"}) {
    CAPTURE(wrong);
    REQUIRE_FALSE(parse_size(wrong).ok());
  }
  REQUIRE(parse_size("many").error().message == "'many' is not a size; write it like 4096, 512KiB or 1.5GiB");
}

TEST_CASE("durations are read in every unit and in sums") {
  REQUIRE(*parse_duration("10") == 10'000'000'000);
  REQUIRE(*parse_duration("10s") == 10'000'000'000);
  REQUIRE(*parse_duration("500ms") == 500'000'000);
  REQUIRE(*parse_duration("250us") == 250'000);
  REQUIRE(*parse_duration("80ns") == 80);
  REQUIRE(*parse_duration("0.5s") == 500'000'000);
  REQUIRE(*parse_duration("2m") == 120'000'000'000);
  REQUIRE(*parse_duration("2 min 5 s") == 125'000'000'000);
  REQUIRE(*parse_duration("1h1m30s") == 3'690'000'000'000);
}

TEST_CASE("what is not a duration says so and shows how to write one") {
  for (std::string_view wrong : {"", "s", "1d", "-5s", "1..5s", "0.5ns", "1e3", "300y", "9000000h", "2562047h 1h"}) {
    CAPTURE(wrong);
    REQUIRE_FALSE(parse_duration(wrong).ok());
  }
  REQUIRE(parse_duration("soon").error().message == "'soon' is not a duration; write it like 500ms, 10s or 1m30s");
}

TEST_CASE("a regular expression is searched for, not matched whole") {
  Result<Regex> regex = parse_regex("^std::(vector|map)<.*>::push_\\w+$|memcpy");
  REQUIRE(regex.ok());
  REQUIRE(regex->found_in("std::vector<int>::push_back"));
  REQUIRE(regex->found_in("__memcpy_avx_unaligned"));
  REQUIRE_FALSE(regex->found_in("std::list<int>::push_back"));
  REQUIRE_FALSE(regex->found_in(""));
}

TEST_CASE("a broken regular expression is an error that says what is wrong") {
  REQUIRE(parse_regex("a(b").error().message ==
          "'a(b' is not a regular expression: a ( or ) without its partner, or nothing to repeat before *, + or ?");
  REQUIRE_FALSE(parse_regex("*").ok());
  REQUIRE(parse_regex("[a").error().message == "'[a' is not a regular expression: a [ or ] without its partner");
  REQUIRE_FALSE(parse_regex("(a)\\1").ok());
  REQUIRE_FALSE(parse_regex(std::string(10'000, '(')).ok());
}

TEST_CASE("searching neither explodes in time nor in stack") {
  Result<Regex> nested = parse_regex("(a+)+$");
  REQUIRE(nested.ok());
  REQUIRE_FALSE(nested->found_in(std::string(300, 'a') + "b"));  // 2^300 steps for a backtracking matcher
  Result<Regex> any = parse_regex("(.|x)*y");
  REQUIRE(any.ok());
  REQUIRE(any->found_in(std::string(20'000, 'z') + "y"));
}

}  // namespace
}  // namespace flarestack
