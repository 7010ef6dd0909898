// SPDX-License-Identifier: Apache-2.0
#include "base/perf_map.h"

#include <string>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

std::string name_at(const PerfMap& map, uint64_t address) {
  const JitFunction* function = map.find(RuntimeAddress{address});
  return function == nullptr ? "-" : function->name;
}

TEST_CASE("a perf map names the code that its lines cover") {
  const PerfMap map = PerfMap::parse("1000 20 LazyCompile:*hot /app/x.js:3:7\n0x2000 0x10 b\r\n");
  CHECK(name_at(map, 0xfff) == "-");
  CHECK(name_at(map, 0x1000) == "LazyCompile:*hot /app/x.js:3:7");
  CHECK(name_at(map, 0x101f) == "LazyCompile:*hot /app/x.js:3:7");
  CHECK(name_at(map, 0x1020) == "-");
  CHECK(name_at(map, 0x200f) == "b");
  CHECK(map.bad_lines() == 0);
}

TEST_CASE("a later perf map entry takes what it covers from earlier ones") {
  const PerfMap map = PerfMap::parse(
      "1000 100 outer\n"
      "1040 20 middle\n"
      "2000 10 left\n2010 10 right\n2008 10 across\n"
      "3000 10 old\n2ff0 40 over\n"
      "4000 10 first\n4000 8 second\n");
  CHECK(name_at(map, 0x103f) == "outer");
  CHECK(name_at(map, 0x1040) == "middle");
  CHECK(name_at(map, 0x1060) == "outer");
  CHECK(name_at(map, 0x2007) == "left");
  CHECK(name_at(map, 0x2008) == "across");
  CHECK(name_at(map, 0x2017) == "across");
  CHECK(name_at(map, 0x2018) == "right");
  CHECK(name_at(map, 0x3000) == "over");
  CHECK(name_at(map, 0x4007) == "second");
  CHECK(name_at(map, 0x4008) == "first");
}

TEST_CASE("lines of a perf map that are no entries are counted and left out") {
  const PerfMap map = PerfMap::parse(
      "\n"
      "zzz 10 not hexadecimal\n"
      "1000\n"
      "1000 10\n"
      "1000 10 \n"
      "1000 0 empty\n"
      "ffffffffffffffff 2 wraps\n"
      "11111111111111111 1 too long\n"
      "5000 10 good\n"
      "6000 10 cut of");
  CHECK(map.bad_lines() == 7);
  CHECK(map.functions().size() == 2);
  CHECK(name_at(map, 0x5001) == "good");
  CHECK(name_at(map, 0x6001) == "cut of");
}

TEST_CASE("names in a perf map are bounded and printable") {
  const PerfMap map = PerfMap::parse("10 1 a\tb\x1b[31m\n20 1 " + std::string(5000, 'x') + "\n");
  CHECK(name_at(map, 0x10) == "a?b?[31m");
  CHECK(name_at(map, 0x20) == std::string(PerfMap::kMaxNameBytes, 'x'));
}

}  // namespace
}  // namespace flarestack
