// SPDX-License-Identifier: Apache-2.0
#include "profiler/touched_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace flarestack {
namespace {

constexpr uint64_t kPageBytes = 4096;
// Documentation/admin-guide/mm/pagemap.rst: present, or in swap.
constexpr uint64_t kHoldsAnything = uint64_t{3} << 62;

}  // namespace

TouchedMemory::TouchedMemory(int32_t tid)
    : pages_(open(fmt::format("/proc/{}/pagemap", tid).c_str(), O_RDONLY | O_CLOEXEC)) {}

std::vector<std::pair<uint64_t, uint64_t>> TouchedMemory::parts(uint64_t start, uint64_t end) const {
  std::vector<std::pair<uint64_t, uint64_t>> result;
  const auto add = [&](uint64_t from, uint64_t to) {
    if (!result.empty() && result.back().second == from) {
      result.back().second = to;
    } else {
      result.emplace_back(from, to);
    }
  };
  std::array<uint64_t, 8192> pages;
  for (uint64_t at = start; at < end;) {
    const uint64_t first = at / kPageBytes;
    const uint64_t wanted = std::min<uint64_t>((end - 1) / kPageBytes - first + 1, pages.size());
    const ssize_t got = pread(pages_.get(), pages.data(), wanted * sizeof pages[0], static_cast<off_t>(first * 8));
    if (got <= 0) {
      add(at, end);
      break;
    }
    const uint64_t count = static_cast<uint64_t>(got) / sizeof pages[0];
    for (uint64_t i = 0; i < count; ++i) {
      if ((pages[i] & kHoldsAnything) != 0) {
        add(std::max(at, (first + i) * kPageBytes), std::min(end, (first + i + 1) * kPageBytes));
      }
    }
    at = (first + count) * kPageBytes;
  }
  return result;
}

}  // namespace flarestack
