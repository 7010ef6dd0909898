// SPDX-License-Identifier: Apache-2.0
#include "profiler/eh_frame_table.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>

#include <cstring>
#include <set>
#include <utility>

#include <catch2/catch.hpp>

#include "base/fd.h"

namespace flarestack {
namespace {

// (code, FDE) of a search table, as addresses of the file.
std::set<std::pair<uint64_t, uint64_t>> entries_of(const std::byte* table, uint64_t table_address) {
  constexpr size_t kHeaderBytes = 12;
  uint32_t count = 0;
  std::memcpy(&count, table + 8, sizeof(count));
  std::set<std::pair<uint64_t, uint64_t>> entries;
  for (size_t i = 0; i < count; ++i) {
    int32_t pair[2];
    std::memcpy(pair, table + kHeaderBytes + i * sizeof(pair), sizeof(pair));
    entries.emplace(table_address + static_cast<uint64_t>(int64_t{pair[0]}),
                    table_address + static_cast<uint64_t>(int64_t{pair[1]}));
  }
  return entries;
}

TEST_CASE("the search table that is made of this program is the one that its linker made") {
  uint64_t bias = 0;
  uint64_t linkers_address = 0;
  std::pair<uint64_t*, uint64_t*> found(&bias, &linkers_address);
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* to) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME) {
            const auto& results = *static_cast<std::pair<uint64_t*, uint64_t*>*>(to);
            *results.first = info->dlpi_addr;
            *results.second = info->dlpi_phdr[i].p_vaddr;
          }
        }
        return 1;  // the program itself comes first
      },
      &found);
  REQUIRE(linkers_address != 0);
  const Result<Fd> self = open_file("/proc/self/exe", O_RDONLY);
  REQUIRE(self.ok());
  constexpr uint64_t kElsewhere = 0x10000000;
  const std::vector<std::byte> made = eh_frame_table(self->get(), kElsewhere);
  REQUIRE(made.size() > 1000);
  const auto ours = entries_of(made.data(), kElsewhere);
  const auto theirs = entries_of(reinterpret_cast<const std::byte*>(bias + linkers_address), linkers_address);
  CHECK(ours == theirs);
  CHECK(made.size() == 12 + ours.size() * 8);
}

TEST_CASE("a file that is no ELF file, or has no frame descriptions, has no search table") {
  const Result<Fd> text = open_file("/proc/self/maps", O_RDONLY);
  REQUIRE(text.ok());
  CHECK(eh_frame_table(text->get(), 0).empty());
}

}  // namespace
}  // namespace flarestack
