// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/result_cache.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/symbolizer/fixture.h"

namespace flarestack {
namespace {

using fixture::build;
using fixture::build_id;
using fixture::function_addresses;
using fixture::output_of;
using fixture::Resolved;
using fixture::TemporaryDirectory;

constexpr const char* kOurFunctions = " [tTW] (main$|c_entry|.*shapes)";
const std::vector<uint8_t> kId{0xab, 0xcd, 0xef};

std::vector<std::vector<std::string>> all_texts(const Resolved& resolved) {
  std::vector<std::vector<std::string>> result;
  for (const auto& frames : resolved.frames) {
    result.push_back(fixture::frame_texts(frames));
  }
  return result;
}

CachedModule sample() {
  CachedModule module;
  module.symbols = {{}, ModuleSymbols::Level::kSymbolTable, "a problem", "a remedy"};
  const std::vector<SymbolFrame> inlined{{"inner", "/src/a.h", 3, true, 0x10}, {"outer", "/src/a.c", 9, false, 0x10}};
  const std::vector<SymbolFrame> plain{{"inner", "", 0, false, 0x20}};
  module.locations.add(0x18, inlined);
  module.locations.add(0x24, plain);
  return module;
}

TEST_CASE("a cache gives back what was stored, and only for that build id") {
  const TemporaryDirectory directory;
  const ResultCache cache(directory / "cache");
  CHECK_FALSE(cache.load(kId));
  cache.store(kId, sample());
  const std::optional<CachedModule> loaded = cache.load(kId);
  REQUIRE(loaded);
  CHECK(loaded->symbols.level == ModuleSymbols::Level::kSymbolTable);
  CHECK(loaded->symbols.problem == "a problem");
  CHECK(loaded->symbols.remedy == "a remedy");
  CHECK(loaded->locations.size() == 2);
  const std::vector<SymbolFrame> frames = loaded->locations.find(0x18);
  REQUIRE(frames.size() == 2);
  CHECK(fixture::frame_texts(frames) == std::vector<std::string>{"inner a.h:3", "outer a.c:9"});
  CHECK(frames[0].inlined);
  CHECK(frames[1].function_offset == 0x10);
  CHECK(loaded->locations.find(0x19).empty());
  CHECK_FALSE(cache.load(std::vector<uint8_t>{0xab, 0xcd}));
  CHECK_FALSE(cache.load({}));
  struct stat status {};
  REQUIRE(stat((directory / "cache/symbols-1/abcdef").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("what was added to a loaded module is stored with it") {
  const TemporaryDirectory directory;
  const ResultCache cache(directory.path());
  cache.store(kId, sample());
  std::optional<CachedModule> loaded = cache.load(kId);
  REQUIRE(loaded);
  const std::vector<SymbolFrame> more{{"third", "/src/a.c", 12, false, 0x30}};
  loaded->locations.add(0x8, more);
  cache.store(kId, *loaded);
  loaded = cache.load(kId);
  REQUIRE(loaded);
  CHECK(loaded->locations.size() == 3);
  CHECK(loaded->locations.find(0x8)[0].function == "third");
  CHECK(loaded->locations.find(0x18)[1].function == "outer");
}

TEST_CASE("a cache file with any byte changed, or cut anywhere, counts as absent") {
  const TemporaryDirectory directory;
  const ResultCache cache(directory.path());
  cache.store(kId, sample());
  const std::string path = directory / "symbols-1/abcdef";
  const std::string good = *read_file(path);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = char(bad[i] ^ 0x41);
    fixture::write_text(path, bad);
    CHECK_FALSE(cache.load(kId));
    fixture::write_text(path, good.substr(0, i));
    CHECK_FALSE(cache.load(kId));
  }
  cache.store(kId, sample());
  CHECK(cache.load(kId));
}

TEST_CASE("a malformed payload is refused whatever its checksum") {
  const std::string good = encode_cached_module(kId, sample());
  const auto decoded = [](std::string_view bytes) {
    return decode_cached_module(kId, std::vector<uint8_t>(bytes.begin(), bytes.end())).has_value();
  };
  CHECK(decoded(good));
  CHECK_FALSE(decoded(good + "x"));
  for (size_t i = 0; i < good.size(); ++i) {
    CHECK_FALSE(decoded(good.substr(0, i)));
  }
}

TEST_CASE("the cache removes what was not used for longest when it grows too large") {
  const TemporaryDirectory directory;
  const ResultCache cache(directory.path(), 1000);
  const uint64_t one = [&] {
    cache.store(std::vector<uint8_t>{0}, sample());
    return std::filesystem::file_size(directory / "symbols-1/00");
  }();
  const size_t fitting = 1000 / one;
  for (uint8_t i = 0; i < 30; ++i) {
    cache.store(std::vector<uint8_t>{i}, sample());
    const timespec age[2]{{i, 0}, {i, 0}};
    REQUIRE(
        utimensat(AT_FDCWD,
                  (directory / ("symbols-1/" + std::string(i < 16 ? "0" : "1") + "0123456789abcdef"[i % 16])).c_str(),
                  age, 0) == 0);
  }
  CHECK_FALSE(cache.load(std::vector<uint8_t>{0}));
  CHECK_FALSE(cache.load(std::vector<uint8_t>{10}));
  CHECK(cache.load(std::vector<uint8_t>{29}));
  const auto files = std::distance(std::filesystem::directory_iterator(directory / "symbols-1"), {});
  CHECK(size_t(files) <= fitting);
  CHECK(files > 1);
}

TEST_CASE("a second report needs neither the program nor its debug information") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -Wl,--build-id");
  const std::vector<uint8_t> id = build_id(program);
  const std::vector<uint64_t> addresses = function_addresses(program, kOurFunctions);
  SymbolizerOptions options;
  options.cache_directory = directory / "cache";
  const Resolved first = fixture::resolve({{}, program, id}, addresses, options);
  std::filesystem::remove(program);
  const Resolved second = fixture::resolve({{}, program, id}, addresses, options);
  CHECK(all_texts(second) == all_texts(first));
  CHECK(second.symbols.level == ModuleSymbols::Level::kLines);
  CHECK(second.symbols.problem.empty());

  // What was not asked before is not there; that is said, and does not spoil the cache.
  const std::vector<uint64_t> other{addresses[0] + 1};
  const Resolved third = fixture::resolve({{}, program, id}, other, options);
  CHECK(third.frames[0][0].function.starts_with("prog+0x"));
  CHECK(third.symbols.problem == "open " + program + ": No such file or directory");
  const Resolved fourth = fixture::resolve({{}, program, id}, addresses, options);
  CHECK(all_texts(fourth) == all_texts(first));
}

TEST_CASE("a debug file that appears later is used in spite of the cache") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -Wl,--build-id");
  const std::vector<uint8_t> id = build_id(program);
  const std::vector<uint64_t> addresses = function_addresses(program, kOurFunctions);
  output_of("cd " + directory.path() + " && cp prog full && objcopy --only-keep-debug prog prog.debug && " +
            "objcopy --strip-all --add-gnu-debuglink=prog.debug prog && mv prog.debug away");
  SymbolizerOptions options;
  options.cache_directory = directory / "cache";
  options.debug_directories = {directory / "debug"};
  const Resolved before = fixture::resolve({{}, program, id}, addresses, options);
  REQUIRE(before.symbols.level == ModuleSymbols::Level::kExportedSymbols);
  CHECK(all_texts(fixture::resolve({{}, program, id}, addresses, options)) == all_texts(before));
  SECTION("beside the program") { std::filesystem::rename(directory / "away", directory / "prog.debug"); }
  SECTION("by build id") {
    output_of("cd " + directory.path() + " && ID=$(readelf -n prog | sed -n \"s/.*Build ID: //p\") && " +
              "mkdir -p debug/.build-id/$(echo $ID | cut -c1-2) && " +
              "mv away debug/.build-id/$(echo $ID | cut -c1-2)/$(echo $ID | cut -c3-).debug");
  }
  SECTION("in the program") { std::filesystem::rename(directory / "full", program); }
  const Resolved after = fixture::resolve({{}, program, id}, addresses, options);
  CHECK(after.symbols.level == ModuleSymbols::Level::kLines);
  CHECK(after.frames[0][0].line != 0);
}

TEST_CASE("several reports at once share a cache without harm") {
  const TemporaryDirectory directory;
  const std::string program = build(directory, "g++ -O2 -g -Wl,--build-id");
  const std::vector<uint8_t> id = build_id(program);
  const std::vector<uint64_t> addresses = function_addresses(program, kOurFunctions);
  const std::vector<std::vector<std::string>> expected = all_texts(fixture::resolve({{}, program, id}, addresses));
  std::vector<pid_t> reports;
  for (size_t part = 0; part < 4; ++part) {
    reports.push_back(::fork());
    if (reports.back() == 0) {
      int wrong = 0;
      for (size_t round = 0; round < 10; ++round) {
        SymbolizerOptions options;
        options.cache_directory = directory / "cache";
        options.threads = 1;
        Symbolizer symbolizer({{ModuleId{1}, program, id}}, options);
        std::vector<SymbolQuery> queries;
        for (size_t i = (part + round) % 4; i < addresses.size(); i += 4) {
          queries.push_back({ModuleId{1}, ModuleOffset{addresses[i]}});
        }
        const auto frames = symbolizer.resolve(queries);
        for (size_t i = 0; i < queries.size(); ++i) {
          wrong += fixture::frame_texts(frames[i]) != expected[(part + round) % 4 + i * 4] ? 1 : 0;
        }
      }
      ::_exit(wrong == 0 ? 0 : 1);
    }
  }
  for (const pid_t report : reports) {
    int status = -1;
    CHECK(::waitpid(report, &status, 0) == report);
    CHECK(status == 0);
  }
}

}  // namespace
}  // namespace flarestack
