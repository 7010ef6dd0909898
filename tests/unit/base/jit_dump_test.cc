// SPDX-License-Identifier: Apache-2.0
#include "base/jit_dump.h"

#include <string>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

template <typename Number>
std::string bytes_of(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

std::string header(uint64_t flags = 0) {
  return "DTiJ" + bytes_of<uint32_t>(1) + bytes_of<uint32_t>(40) + bytes_of<uint32_t>(62) + bytes_of<uint32_t>(0) +
         bytes_of<uint32_t>(77) + bytes_of<uint64_t>(5) + bytes_of(flags);
}

std::string record(uint32_t id, uint64_t time_ns, const std::string& body) {
  return bytes_of(id) + bytes_of(uint32_t(16 + body.size())) + bytes_of(time_ns) + body;
}

std::string load(uint64_t time_ns, uint64_t address, uint64_t size, const std::string& name) {
  return record(0, time_ns,
                std::string(8, '\0') + bytes_of(address) + bytes_of(address) + bytes_of(size) + bytes_of(uint64_t{0}) +
                    name + std::string(1, '\0') + std::string(size, '\xcc'));
}

std::string line(uint64_t address, uint32_t number, const std::string& file, uint32_t column = 0) {
  return bytes_of(address) + bytes_of(number) + bytes_of(column) + file + std::string(1, '\0');
}

std::string at(const JitDump& dump, uint64_t address, uint64_t time_ns) {
  const JitQuery query{{address}, time_ns};
  const JitPlace place = dump.resolve({&query, 1})[0];
  return place.name + (place.file.empty() ? "" : " " + place.file + ":" + std::to_string(place.line));
}

TEST_CASE("what was at an address depends on the time") {
  const std::string bytes = header() + load(100, 0x1000, 16, "first") + load(200, 0x1008, 16, "second");
  const JitDump dump = JitDump::parse(bytes);
  CHECK(dump.loads() == 2);
  CHECK(dump.pid() == 77);
  CHECK(at(dump, 0x1008, 100) == "first");
  CHECK(at(dump, 0x1008, 199) == "first");
  CHECK(at(dump, 0x1008, 200) == "second");
  CHECK(at(dump, 0x1007, 300) == "first");
  CHECK(at(dump, 0x1017, 300) == "second");
  CHECK(at(dump, 0x1017, 50) == "second");  // it ran before the compiler wrote of it
  CHECK(at(dump, 0x1004, 50) == "first");
  CHECK(at(dump, 0x1018, 300).empty());
  const std::string other_clock = header(1) + load(100, 0x1000, 16, "first") + load(50, 0x1000, 16, "second");
  CHECK(at(JitDump::parse(other_clock), 0x1000, 75) == "second");
}

TEST_CASE("lines are those of the record before a load, and follow the code where it moves") {
  const std::string lines = bytes_of(uint64_t{0x1000}) + bytes_of(uint64_t{3}) + line(0x1000, 10, "/src/a.js") +
                            line(0x1004, 11, "\xff") + line(0x100c, 90, "/src/b.js");
  const std::string move = std::string(8, '\0') + bytes_of(uint64_t{0}) + bytes_of(uint64_t{0x1000}) +
                           bytes_of(uint64_t{0x9000}) + bytes_of(uint64_t{16}) + bytes_of(uint64_t{0});
  const std::string bytes =
      header() + record(2, 90, lines) + load(100, 0x1000, 16, "f") + load(110, 0x2000, 16, "g") + record(1, 150, move);
  const JitDump dump = JitDump::parse(bytes);
  CHECK(at(dump, 0x1003, 100) == "f /src/a.js:10");
  CHECK(at(dump, 0x1004, 100) == "f /src/a.js:11");
  CHECK(at(dump, 0x100f, 100) == "f /src/b.js:90");
  CHECK(at(dump, 0x2003, 120) == "g");
  CHECK(at(dump, 0x900d, 160) == "f /src/b.js:90");
}

TEST_CASE("lines that a compiler gave behind an ELF header are taken back") {
  const std::string lines = bytes_of(uint64_t{0x1000}) + bytes_of(uint64_t{2}) + line(0x1040, 10, "/src/a.js") +
                            line(0x1048, 11, "/src/a.js");
  const std::string bytes = header() + record(2, 90, lines) + load(100, 0x1000, 16, "f");
  CHECK(at(JitDump::parse(bytes), 0x1003, 100) == "f /src/a.js:10");
  CHECK(at(JitDump::parse(bytes), 0x1009, 100) == "f /src/a.js:11");
}

TEST_CASE("lines whose file name is of freed memory have the file that V8 puts into the name of the function") {
  const std::string freed("\x38\x9f\0\0\0C)\xef\n\xc9=\x11xyzw", 16);
  const auto dump_of = [&](const std::string& name, const std::string& first, const std::string& second) {
    const std::string lines = bytes_of(uint64_t{0x1000}) + bytes_of(uint64_t{2}) + line(0x1000, 2, first, 27) +
                              line(0x1008, 3, second, 16) + std::string(4, '\0');
    return header() + record(2, 90, lines) + load(100, 0x1000, 16, name);
  };
  const std::string good = dump_of("JS:*hot /src/my folder/hot.js:1:13", freed, freed);
  CHECK(at(JitDump::parse(good), 0x1004, 100) == "JS:*hot /src/my folder/hot.js:1:13 /src/my folder/hot.js:2");
  CHECK(at(JitDump::parse(good), 0x1009, 100) == "JS:*hot /src/my folder/hot.js:1:13 /src/my folder/hot.js:3");
  CHECK(JitDump::parse(good).bad_records() == 0);
  // Control characters, no zero among them.
  const std::string no_zero = dump_of("JS:*resolve node:path:12:10", "C)\xef\n", "C)\xef\n");
  CHECK(at(JitDump::parse(no_zero), 0x1004, 100) == "JS:*resolve node:path:12:10 node:path:2");
  // Of the baseline compiler: lines of bytecode.
  CHECK(at(JitDump::parse(dump_of("JS:^f /a.js:1:13", freed, freed)), 0x1004, 100) == "JS:^f /a.js:1:13 /a.js:1");
  CHECK(at(JitDump::parse(dump_of("JS:^ 12", freed, freed)), 0x1004, 100) == "JS:^ 12");
  CHECK(at(JitDump::parse(dump_of("some:1:2", freed, freed)), 0x1004, 100) == "some:1:2");
  // Of two files: where each ends is not known, but where the function begins is.
  const std::string two = dump_of("JS:*hot /src/hot.js:1:13", freed, freed + freed + freed);
  CHECK(at(JitDump::parse(two), 0x1004, 100) == "JS:*hot /src/hot.js:1:13 /src/hot.js:1");
  CHECK(JitDump::parse(two).bad_records() == 1);
}

TEST_CASE("code without lines has the file and line that V8 puts into its name") {
  const auto named = [](const std::string& name) {
    return at(JitDump::parse(header() + load(100, 0x1000, 16, name)), 0x1004, 100);
  };
  CHECK(named("JS:~main /src/a.js:7:1") == "JS:~main /src/a.js:7:1 /src/a.js:7");
  CHECK(named("JS:~main /src/a.js:99999999999:1") == "JS:~main /src/a.js:99999999999:1 /src/a.js:0");
  CHECK(named("JS:~main /src/a.js:7") == "JS:~main /src/a.js:7");
  CHECK(named("RegExp:/a/:7:1") == "RegExp:/a/:7:1");
}

TEST_CASE("a jitdump that is cut or makes no sense names what is there") {
  const std::string bytes = header() + load(100, 0x1000, 16, "good") + load(100, 0x2000, 16, "cut");
  CHECK(at(JitDump::parse(bytes.substr(0, bytes.size() - 3)), 0x1000, 100) == "good");
  CHECK(JitDump::parse(bytes.substr(0, bytes.size() - 3)).bad_records() == 1);
  CHECK(JitDump::parse("").loads() == 0);
  CHECK(JitDump::parse(std::string(100, 'x')).loads() == 0);
  const std::string wrapping = header() + load(1, UINT64_MAX - 3, 16, "wraps") + record(0, 1, "short") +
                               record(1, 1, std::string(48, 'x')) + record(9, 1, "of a newer version");
  CHECK(JitDump::parse(wrapping).loads() == 0);
  CHECK(JitDump::parse(wrapping).bad_records() == 3);
}

}  // namespace
}  // namespace flarestack
