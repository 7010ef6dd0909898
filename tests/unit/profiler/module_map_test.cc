// SPDX-License-Identifier: Apache-2.0
#include "profiler/module_map.h"

#include <utility>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

ModuleMap::Segment segment(uint32_t agent_id, uint64_t text_start, uint64_t text_end, uint32_t added) {
  ModuleMap::Segment result;
  result.agent_id = agent_id;
  result.text_start = text_start;
  result.text_end = text_end;
  result.module = {agent_id};
  result.added = added;
  return result;
}

// The module that covers the address, none if none does.
ModuleId found(const ModuleMap& map, uint64_t address, uint32_t generation) {
  const ModuleMap::Segment* segment = map.find({address}, generation);
  return segment != nullptr ? segment->module : ModuleId{};
}

}  // namespace

TEST_CASE("a segment covers its first byte and not the one behind its last") {
  ModuleMap map;
  map.add(segment(1, 0x1000, 0x2000, 1));
  map.add(segment(2, 0x2000, 0x3000, 1));
  CHECK(found(map, 0xfff, 1) == ModuleId{});
  CHECK(found(map, 0x1000, 1) == ModuleId{1});
  CHECK(found(map, 0x1fff, 1) == ModuleId{1});
  CHECK(found(map, 0x2000, 1) == ModuleId{2});
  CHECK(found(map, 0x3000, 1) == ModuleId{});
  CHECK(found(map, 0, 1) == ModuleId{});
  CHECK(found(map, UINT64_MAX, 1) == ModuleId{});
}

TEST_CASE("an address belongs to the module that was there at the generation of its sample") {
  ModuleMap map;
  map.add(segment(1, 0x1000, 0x2000, 3));
  map.remove(1, 5);
  map.add(segment(2, 0x1000, 0x4000, 7));  // another library at the same address
  CHECK(found(map, 0x1800, 2) == ModuleId{});
  CHECK(found(map, 0x1800, 3) == ModuleId{1});
  CHECK(found(map, 0x1800, 4) == ModuleId{1});
  CHECK(found(map, 0x1800, 5) == ModuleId{});
  CHECK(found(map, 0x1800, 6) == ModuleId{});
  CHECK(found(map, 0x1800, 7) == ModuleId{2});
  CHECK(found(map, 0x1800, UINT32_MAX - 1) == ModuleId{2});
}

TEST_CASE("a module is removed with all of its segments, and no other is") {
  ModuleMap map;
  map.add(segment(1, 0x1000, 0x2000, 1));
  map.add(segment(1, 0x5000, 0x6000, 1));
  map.add(segment(2, 0x2000, 0x3000, 1));
  map.remove(1, 2);
  map.remove(9, 2);  // nobody's number
  CHECK(found(map, 0x1000, 2) == ModuleId{});
  CHECK(found(map, 0x5000, 2) == ModuleId{});
  CHECK(found(map, 0x5000, 1) == ModuleId{1});
  CHECK(found(map, 0x2000, 2) == ModuleId{2});
}

TEST_CASE("a number that is used again leaves the end of its first module as it was") {
  ModuleMap map;
  map.add(segment(1, 0x1000, 0x2000, 1));
  map.remove(1, 2);
  map.add(segment(1, 0x1000, 0x2000, 4));
  map.remove(1, 6);
  CHECK(found(map, 0x1000, 1) == ModuleId{1});
  CHECK(found(map, 0x1000, 3) == ModuleId{});
  CHECK(found(map, 0x1000, 5) == ModuleId{1});
  CHECK(found(map, 0x1000, 6) == ModuleId{});
}

TEST_CASE("what a sample of the generation, or a later one, can name is not forgotten") {
  ModuleMap map;
  map.add(segment(1, 0x1000, 0x2000, 1));
  map.add(segment(2, 0x2000, 0x3000, 1));
  map.add(segment(3, 0x3000, 0x4000, 1));
  map.remove(1, 4);
  map.remove(2, 5);
  map.forget_before(4);
  REQUIRE(map.segments().size() == 2);
  CHECK(found(map, 0x1000, 3) == ModuleId{});
  CHECK(found(map, 0x2000, 4) == ModuleId{2});
  CHECK(found(map, 0x3000, 4) == ModuleId{3});
  map.forget_before(UINT32_MAX - 1);
  REQUIRE(map.segments().size() == 1);
  CHECK(found(map, 0x3000, UINT32_MAX - 1) == ModuleId{3});
}

TEST_CASE("the version changes whenever the segments do") {
  ModuleMap map;
  uint64_t version = map.version();
  const auto changed = [&] { return map.version() != std::exchange(version, map.version()); };
  map.add(segment(1, 0x1000, 0x2000, 1));
  CHECK(changed());
  map.remove(1, 2);
  CHECK(changed());
  map.find({0x1000}, 1);
  CHECK_FALSE(changed());
  map.forget_before(2);
  REQUIRE(map.segments().empty());
  CHECK(changed());
}

}  // namespace flarestack
