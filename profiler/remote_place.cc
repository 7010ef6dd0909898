// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_place.h"

#include "wire/session.h"

namespace flarestack {
namespace {

constexpr uint64_t kApartBytes = uint64_t{2} << 40;
constexpr uint64_t kLowestPlace = uint64_t{1} << 32;
constexpr uint64_t kPageBytes = 4096;

// The kernel maps downward from a gap below the stack.
uint64_t top_of(const ProcessMaps& maps) {
  uint64_t top = 0;
  for (const ProcessMaps::Mapping& mapping : maps.mappings()) {
    if (mapping.path == "[stack]") return mapping.start;
    top = mapping.path.starts_with("[v") ? top : mapping.end;
  }
  return top;
}

}  // namespace

std::pair<uint64_t, uint64_t> memory_apart(const ProcessMaps& maps) {
  constexpr uint64_t kMostGrowth = uint64_t{1} << 30;
  const uint64_t top = top_of(maps);
  if (top < kApartBytes + kOwnMemoryBytes) return {0, 0};
  return {top - kApartBytes - kOwnMemoryBytes, top - kApartBytes + kMostGrowth};
}

uint64_t place_apart(const ProcessMaps& maps, uint64_t size_bytes) {
  const uint64_t size = (size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  const uint64_t top = top_of(maps);
  if (top < kApartBytes + kLowestPlace + size) {
    return 0;
  }
  // From there downward past what is there already.
  uint64_t end = (top - kApartBytes) / kPageBytes * kPageBytes;
  const auto& mappings = maps.mappings();
  for (auto mapping = mappings.rbegin(); mapping != mappings.rend(); ++mapping) {
    if (mapping->start < end && mapping->end > end - size) {
      end = mapping->start;
    }
    if (end < kLowestPlace + size) {
      return 0;
    }
  }
  return end - size;
}

}  // namespace flarestack
