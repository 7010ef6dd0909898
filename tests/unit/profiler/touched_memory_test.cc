// SPDX-License-Identifier: Apache-2.0
#include "profiler/touched_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace flarestack {

TEST_CASE("of memory that was mapped only the pages that were written to are worth reading") {
  constexpr uint64_t kPage = 4096;
  constexpr uint64_t kBytes = uint64_t{256} << 20;
  using Parts = std::vector<std::pair<uint64_t, uint64_t>>;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  REQUIRE(madvise(memory, kBytes, MADV_NOHUGEPAGE) == 0);
  const auto start = reinterpret_cast<uint64_t>(memory);
  auto* bytes = static_cast<char*>(memory);
  const TouchedMemory touched(getpid());
  CHECK(touched.parts(start, start + kBytes).empty());
  bytes[3 * kPage] = bytes[4 * kPage + 7] = bytes[40'000 * kPage] = bytes[kBytes - 1] = 1;
  CHECK(touched.parts(start, start + kBytes) == Parts{{start + 3 * kPage, start + 5 * kPage},
                                                      {start + 40'000 * kPage, start + 40'001 * kPage},
                                                      {start + kBytes - kPage, start + kBytes}});
  // Bounds that are no page's are kept.
  CHECK(touched.parts(start + 3 * kPage + 8, start + 4 * kPage + 16) ==
        Parts{{start + 3 * kPage + 8, start + 4 * kPage + 16}});
  CHECK(touched.parts(start, start).empty());
  munmap(memory, kBytes);
  // Of a process that does not tell, all is.
  CHECK(TouchedMemory(0).parts(kPage, 9 * kPage) == Parts{{kPage, 9 * kPage}});
}

}  // namespace flarestack
