// SPDX-License-Identifier: Apache-2.0
// Advice appears where it should, with its place and numbers, and not on what only looks alike.
#include "model/heap_advice.h"

#include <catch2/catch.hpp>

#include "model/heap_sites.h"
#include "tests/unit/model/fake_recording.h"

namespace flarestack {
namespace {

const std::string kInsert =
    "app!void std::vector<int, std::allocator<int> >::_M_realloc_insert<int const&>(std::_Vector_base<int, "
    "std::allocator<int> >::_Vector_impl::iterator, int const&)";
const std::string kReserve = "app!std::vector<int, std::allocator<int> >::reserve(unsigned long)";
const std::vector<std::string> kBase{"libc.so.6!_start", "app!main"};

std::vector<std::string> path(std::initializer_list<std::string> names) {
  std::vector<std::string> result = kBase;
  result.insert(result.end(), names);
  return result;
}

FakeRecording app() {
  FakeRecording fake;
  fake.heap();
  fake.process(1, 100, "/bin/app");
  for (uint32_t thread = 1; thread <= 6; ++thread) fake.thread(thread, 1, 99 + static_cast<int32_t>(thread), "app");
  return fake;
}

AllocationRecord temporary(uint64_t size_bytes, uint64_t count) {
  AllocationRecord record = FakeRecording::blocks(size_bytes, count, count);
  record.temporary = count;
  return record;
}

struct Advised {
  AdviceKind kind;
  std::string function;
  std::string file;
  uint32_t line;
  bool operator==(const Advised&) const = default;
};

struct Outcome {
  std::vector<HeapAdvice> advice;
  std::vector<Advised> places;
};

Outcome outcome_of(FakeRecording& fake) {
  ProfileOptions options;
  options.metric = Metric::kAllocated;
  const auto profile = build_profile(fake.finish(), options, fake.symbols());
  REQUIRE(profile.ok());
  const HeapSummary summary = summarize_heap(*profile);
  Outcome outcome;
  outcome.advice = heap_advice(*profile, summary);
  CHECK((outcome.advice.empty() || may_have_advice(summary)));
  for (const HeapAdvice& each : outcome.advice) {
    if (each.path.empty()) {
      outcome.places.push_back({each.kind, "", "", 0});
      continue;
    }
    const Location& place = profile->locations[each.path.front()];
    outcome.places.push_back(
        {each.kind, profile->functions[place.function].name, profile->files[place.file], place.line});
  }
  return outcome;
}
using Places = std::vector<Advised>;

}  // namespace

TEST_CASE("a vector that grows is named at the line of the program that fills it") {
  FakeRecording fake = app();
  for (uint64_t size = 16; size <= 4096; size *= 2)
    fake.allocation(1, path({"app!load@7", kInsert}), temporary(size, 500));
  const Outcome outcome = outcome_of(fake);
  CHECK(outcome.places == Places{{AdviceKind::kGrowth, "load", "/src/load.cc", 7}});
  CHECK(outcome.advice[0].allocations == 4500);
  CHECK(outcome.advice[0].matter ==
        "vectors grow here by reallocation: 4,500 times, up to 4.00 KiB; 100.0% of all allocations, 100.0% of all "
        "bytes");
  CHECK(outcome.advice[0].path.size() == 3);
}

TEST_CASE("a vector that is reserved, or that grows once to one size, gets no advice") {
  FakeRecording fake = app();
  for (uint64_t size = 16; size <= 4096; size *= 2)
    fake.allocation(1, path({"app!load@7", kReserve}), FakeRecording::blocks(size, 500, 500));
  fake.allocation(1, path({"app!first@9", kInsert}), FakeRecording::blocks(4, 9000, 9000));
  CHECK(outcome_of(fake).places.empty());
}

TEST_CASE("growth that is rare beside all else gets no advice") {
  FakeRecording fake = app();
  for (uint64_t size = 16; size <= 4096; size *= 2)
    fake.allocation(1, path({"app!load@7", kInsert}), temporary(size, 200));
  fake.allocation(1, path({"app!work@3"}), FakeRecording::blocks(4096, 90'000, 90'000));
  CHECK(outcome_of(fake).places.empty());
}

TEST_CASE("strings and buffers that grow are told from vectors") {
  FakeRecording fake = app();
  const std::string mutate =
      "libstdc++.so.6!std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> "
      ">::_M_mutate(unsigned long, unsigned long, char const*, unsigned long)";
  for (uint64_t size = 32; size <= 1024; size *= 2) {
    fake.allocation(1, path({"app!format@5", mutate}), temporary(size, 1000));
    fake.allocation(1, path({"app!collect@6", "libglib-2.0.so.0!g_realloc"}), temporary(size, 900));
  }
  const Outcome outcome = outcome_of(fake);
  REQUIRE(outcome.places == Places{{AdviceKind::kGrowth, "format", "/src/format.cc", 5},
                                   {AdviceKind::kGrowth, "collect", "/src/collect.cc", 6}});
  CHECK_THAT(outcome.advice[0].matter, Catch::StartsWith("strings grow here"));
  CHECK_THAT(outcome.advice[1].matter, Catch::StartsWith("buffers grow here"));
}

TEST_CASE("a chain of reallocs shows by its sizes, other blocks of many sizes do not") {
  FakeRecording fake = app();
  for (uint64_t size = 16; size <= 2048; size *= 2) {
    fake.allocation(1, path({"app!append@4"}), temporary(size, 3000));
    // As many sizes, but freed when a level ends.
    fake.allocation(1, path({"app!load_level@8"}), FakeRecording::blocks(size, 3000, 3000));
  }
  const Outcome outcome = outcome_of(fake);
  CHECK(outcome.places == Places{{AdviceKind::kGrowth, "append", "/src/append.cc", 4}});
}

TEST_CASE("temporary allocations are told where they are many and nearly all") {
  FakeRecording fake = app();
  fake.allocation(1, path({"app!hot@3"}), temporary(100, 50'000));
  AllocationRecord half = FakeRecording::blocks(100, 50'000, 50'000);
  half.temporary = 25'000;
  fake.allocation(1, path({"app!half@4"}), half);
  fake.allocation(1, path({"app!rare@5"}), temporary(100, 9'999));
  const Outcome outcome = outcome_of(fake);
  CHECK(outcome.places == Places{{AdviceKind::kTemporary, "hot", "/src/hot.cc", 3}});
  CHECK(outcome.advice[0].matter ==
        "50,000 allocations (45.5% of all) of 100 B on average, 100.0% of them freed before the thread's next one");
}

TEST_CASE("many tiny blocks that live are told, of 32 bytes but not of 33") {
  FakeRecording fake = app();
  fake.allocation(1, path({"app!tree@3", "app!operator new(unsigned long)"}), FakeRecording::blocks(32, 100'000, 0));
  fake.allocation(1, path({"app!list@4"}), FakeRecording::blocks(33, 100'000, 0));
  const Outcome outcome = outcome_of(fake);
  CHECK(outcome.places == Places{{AdviceKind::kTiny, "tree", "/src/tree.cc", 3}});
}

TEST_CASE("who holds a quarter of the peak is told, a small peak or a small part is not") {
  for (const uint64_t blocks : {uint64_t{10}, uint64_t{10'000}}) {
    FakeRecording fake = app();
    for (const auto& [name, part] :
         {std::pair{"app!big@3", 26U}, {"app!less@4", 24U}, {"app!c@5", 20U}, {"app!d@6", 20U}, {"app!e@7", 10U}}) {
      AllocationRecord record = FakeRecording::blocks(128, blocks * part / 10, 0);
      record.peak_bytes = static_cast<int64_t>(record.allocated_bytes);
      record.peak_blocks = static_cast<int64_t>(record.allocations);
      fake.allocation(1, path({name}), record);
    }
    fake.builder.add(HeapSliceRecord{{1}, 0, 100'000'000, blocks * 10 * 128, blocks * 10, 5, 0, 0});
    const Outcome outcome = outcome_of(fake);
    if (blocks == 10) {
      CHECK(outcome.places.empty());
    } else {
      CHECK(outcome.places == Places{{AdviceKind::kPeak, "big", "/src/big.cc", 3}});
    }
  }
}

TEST_CASE("an allocator that holds far more than what is live is told, with arenas where threads allocate") {
  for (const uint32_t threads : {1U, 5U}) {
    FakeRecording fake = app();
    for (uint32_t thread = 1; thread <= threads; ++thread)
      fake.allocation(thread, path({"app!work@3"}), FakeRecording::blocks(100, 10, 10));
    MemoryRecord look;
    look.process = {1};
    look.rss_bytes = 100 << 20;
    look.allocator_bytes = 60 << 20;
    look.heap_live_bytes = 20 << 20;
    fake.builder.add(look);
    const Outcome outcome = outcome_of(fake);
    REQUIRE(outcome.places == Places{{AdviceKind::kOverhead, "", "", 0}});
    CHECK(outcome.advice[0].bytes == 40 << 20);
    CHECK((outcome.advice[0].remedy.find("MALLOC_ARENA_MAX") != std::string::npos) == (threads == 5));
    CHECK_THAT(outcome.advice[0].remedy, Catch::Contains("malloc_trim"));
  }
  FakeRecording fake = app();
  MemoryRecord look;
  look.process = {1};
  look.rss_bytes = 100 << 20;
  look.allocator_bytes = 60 << 20;
  look.heap_live_bytes = 50 << 20;
  fake.builder.add(look);
  CHECK(outcome_of(fake).places.empty());
}

TEST_CASE("a few samples are not advice") {
  FakeRecording fake = app();
  fake.heap(HeapMode::kSampled, 512 << 10);
  AllocationRecord record = temporary(100, 50'000);
  record.samples = 9;
  fake.allocation(1, path({"app!hot@3"}), record);
  CHECK(outcome_of(fake).places.empty());
}

TEST_CASE("names of library code are known without return types and parameters") {
  CHECK(qualified_name("void std::vector<int>::push_back<int>(int&&) [clone .cold]") ==
        "std::vector<int>::push_back<int>");
  CHECK(qualified_name("app::(anonymous namespace)::f(std::string)") == "app::(anonymous namespace)::f");
  CHECK(qualified_name("operator new(unsigned long)") == "operator new(unsigned long)");
  CHECK(qualified_name("main") == "main");
  Function function;
  function.name = "int* app::copy<std::vector<int> >(std::vector<int> const&)";
  CHECK_FALSE(is_library_function(function, "/home/ada/app.cc"));
  CHECK(is_library_function(function, "/usr/include/c++/12/bits/stl_vector.h"));
  function.name = "std::pair<int, int>* std::__relocate_a<int>(int*)";
  CHECK(is_library_function(function, ""));
  function.name = "strdup";
  CHECK(is_library_function(function, ""));
}

}  // namespace flarestack
