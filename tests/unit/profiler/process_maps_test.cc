// SPDX-License-Identifier: Apache-2.0
#include "profiler/process_maps.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace flarestack {
namespace {

constexpr uint64_t kMiB = 1 << 20;

}  // namespace

TEST_CASE("a line of maps is understood, spaces in its path included") {
  const ProcessMaps maps = ProcessMaps::parse(
      "00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a b\n"
      "nonsense\n"
      "7ffc0000-7ffd0000 rw-p 00000000 00:00 0 \n");
  REQUIRE(maps.mappings().size() == 2);
  CHECK(maps.mappings()[0].start == 0x400000);
  CHECK(maps.mappings()[0].end == 0x452000);
  CHECK(maps.mappings()[0].file_offset == 0x1000);
  CHECK(maps.mappings()[0].inode == 173521);
  CHECK(maps.mappings()[0].executable);
  CHECK(maps.mappings()[0].path == "/usr/bin/a b");
  CHECK(maps.mappings()[1].path.empty());
}

TEST_CASE("code goes below a library, within reach, off the places of the next mappings") {
  ProcessMaps maps = ProcessMaps::parse(
      "555555554000-555555560000 r-xp 00000000 08:02 1 /bin/program\n"
      "7ffff7000000-7ffff7200000 r-xp 00000000 08:02 2 /lib/libc.so.6\n"
      "7ffff7203000-7ffff7300000 r-xp 00000000 08:02 3 /lib/libm.so.6\n"
      "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n");
  const std::optional<uint64_t> place = maps.take_near(0x7ffff7000000, 0x7ffff7200000, 8192);
  REQUIRE(place);
  CHECK(*place + 8192 == 0x7ffff7000000 - 64 * kMiB);
  // It is taken now.
  const std::optional<uint64_t> second = maps.take_near(0x7ffff7203000, 0x7ffff7300000, 4096);
  REQUIRE(second);
  CHECK(*second + 4096 <= *place);
  const std::optional<uint64_t> third = maps.take_near(0x555555554000, 0x555555560000, 4096);
  REQUIRE(third);
  CHECK(*third + 4096 == 0x555555554000 - 64 * kMiB);
}

TEST_CASE("a small gap is taken where there is no other") {
  ProcessMaps maps = ProcessMaps::parse(
      "00010000-100000000 r--p 00000000 08:02 1 /bin/program\n"
      "100000000-100100000 r-xp 00000000 08:02 1 /bin/library\n"
      "100102000-300000000 rw-p 00000000 00:00 0 \n");
  CHECK(maps.take_near(0x100000000, 0x100100000, 4096) == 0x100100000);
  CHECK(maps.take_near(0x100000000, 0x100100000, 4096) == 0x100101000);
  CHECK_FALSE(maps.take_near(0x100000000, 0x100100000, 4096));
}

TEST_CASE("behind an executable there is room for its heap") {
  ProcessMaps maps = ProcessMaps::parse(
      "00010000-00c00000 r-xp 00000000 08:02 1 /bin/program\n"
      "00c00000-00c10000 rw-p 00000000 00:00 0 \n"
      "01000000-01100000 rw-p 00000000 00:00 0 [heap]\n");
  const std::optional<uint64_t> place = maps.take_near(0x10000, 0xc00000, 4096);
  REQUIRE(place);
  CHECK(*place >= 0x1100000 + 1024 * kMiB);
  CHECK(*place + 4096 <= 0x10000 + 1900 * kMiB);
}

TEST_CASE("an executable at a low address has its code below, if there is room") {
  ProcessMaps maps = ProcessMaps::parse("00400000-00c00000 r-xp 00000000 08:02 1 /bin/program\n");
  const std::optional<uint64_t> place = maps.take_near(0x400000, 0xc00000, 4096);
  REQUIRE(place);
  CHECK(*place >= 0x10000);
  CHECK(*place + 4096 <= 0x400000);
}

TEST_CASE("no place is found where none is within reach") {
  ProcessMaps maps = ProcessMaps::parse(
      "00010000-100000000 r--p 00000000 08:02 1 /bin/program\n"
      "100000000-100100000 r-xp 00000000 08:02 1 /bin/library\n"
      "100100000-300000000 rw-p 00000000 00:00 0 \n");
  CHECK_FALSE(maps.take_near(0x100000000, 0x100100000, 4096));
}

TEST_CASE("the place found for this process can be mapped, and the file of its code opened") {
  Result<ProcessMaps> maps = ProcessMaps::read(getpid());
  REQUIRE(maps.ok());
  bool found = false;
  for (const ProcessMaps::Mapping& mapping : maps->mappings()) {
    if (mapping.executable && mapping.inode != 0 && mapping.path.find("unit_profiler") != std::string::npos) {
      found = true;
      CHECK(ProcessMaps::open_file_of(getpid(), mapping).ok());
      ProcessMaps::Mapping other = mapping;
      other.inode += 1;
      other.start += 4096;  // nor by its address
      CHECK_FALSE(ProcessMaps::open_file_of(getpid(), other).ok());
      const std::optional<uint64_t> place = maps->take_near(mapping.start, mapping.end, 4096);
      REQUIRE(place);
      void* memory = mmap(reinterpret_cast<void*>(*place), 4096, PROT_READ,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
      CHECK(memory == reinterpret_cast<void*>(*place));
      munmap(memory, 4096);
      break;
    }
  }
  CHECK(found);
}

}  // namespace flarestack
