// SPDX-License-Identifier: Apache-2.0
#include "profiler/mapping_at.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "profiler/process_maps.h"

namespace flarestack {

TEST_CASE("the mapping at an address is the one that /proc/PID/maps lists there, and none between two") {
  const Result<ProcessMaps> maps = ProcessMaps::read(getpid());
  REQUIRE(maps.ok());
  uint64_t end = 0;
  for (const ProcessMaps::Mapping& mapping : maps->mappings()) {
    if (mapping.path.starts_with("[") || mapping.inode == 0) {  // these may grow meanwhile
      end = 0;
      continue;
    }
    INFO(mapping.path);
    const std::optional<MappedRange> found = mapping_at(getpid(), mapping.end - 1);
    REQUIRE(found);
    CHECK(found->start == mapping.start);
    CHECK(found->end == mapping.end);
    CHECK(found->writable == mapping.writable);
    if (end != 0 && end < mapping.start) CHECK_FALSE(mapping_at(getpid(), end));
    end = mapping.end;
  }
  CHECK_FALSE(mapping_at(getpid(), 4096));
}

}  // namespace flarestack
