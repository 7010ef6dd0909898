// SPDX-License-Identifier: Apache-2.0
#include "model/heap_sites.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace flarestack {
namespace {

bool is_tiny(const HeapCell& cell) {
  return cell.size_class <= 5 || (cell.size_class == 6 && cell.allocated_bytes == 32 * cell.allocations);
}

void add_cell(const HeapCell& cell, GrowthKind growth, HeapSite& site) {
  site.allocations += cell.allocations;
  site.allocated_bytes += cell.allocated_bytes;
  site.temporary += cell.temporary;
  site.samples += cell.samples;
  site.peak_bytes += cell.peak_bytes;
  site.peak_blocks += cell.peak_blocks;
  site.live_bytes += cell.live_bytes;
  site.live_blocks += cell.live_blocks;
  site.leaked_bytes += cell.leaked_bytes;
  if (is_tiny(cell)) {
    site.tiny_allocations += cell.allocations;
    site.tiny_bytes += cell.allocated_bytes;
    site.tiny_temporary += cell.temporary;
  }
  if (growth == GrowthKind::kNone || cell.allocations == 0) return;
  site.growth = growth;
  site.grown_allocations += cell.allocations;
  site.grown_bytes += cell.allocated_bytes;
  site.grown_samples += cell.samples;
  site.grown_by_class[std::min<uint8_t>(cell.size_class, 64)] += cell.allocations;
  const uint64_t size_bytes = std::max(cell.allocated_bytes / cell.allocations,
                                       cell.size_class == 0 ? 0 : uint64_t{1} << (cell.size_class - 1));
  site.greatest_grown_bytes = std::max(site.greatest_grown_bytes, size_bytes);
}

// The allocations of one stack by size class.
struct StackSizes {
  std::array<uint64_t, 65> allocations{}, deallocations{}, temporary{};
};

// A buffer that realloc() grows has no frame that says so. What tells it: sizes double through at least four classes,
// as often or less often from class to class, and all but the greatest were freed by the thread's very next call. A
// function that asks for blocks of many sizes frees them in no such order.
bool is_realloc_chain(const StackSizes& sizes) {
  size_t first = 0;
  while (first < 65 && sizes.allocations[first] == 0) ++first;
  size_t last = first;
  while (last + 1 < 65 && sizes.allocations[last + 1] != 0) ++last;
  for (size_t i = last + 1; i < 65; ++i) {
    if (sizes.allocations[i] != 0) return false;
  }
  if (last < first + 3) return false;
  for (size_t i = first; i < last; ++i) {
    if (sizes.allocations[i + 1] > sizes.allocations[i]) return false;
    if (i + 1 < last && 10 * sizes.temporary[i] < 9 * sizes.allocations[i]) return false;
  }
  // Chains all end at one size, or at several and are then rarer towards the greatest; or the last block is in use.
  return sizes.allocations[last] == sizes.allocations[first] ||
         2 * sizes.allocations[last] <= sizes.allocations[first] || sizes.temporary[last] == 0;
}

}  // namespace

int HeapSite::grown_classes() const {
  return static_cast<int>(
      std::count_if(grown_by_class.begin(), grown_by_class.end(), [](uint64_t count) { return count != 0; }));
}

uint64_t HeapSite::value(Metric metric) const {
  switch (metric) {
    case Metric::kAllocated:
      return allocated_bytes;
    case Metric::kAllocations:
      return allocations;
    case Metric::kPeak:
      return peak_bytes;
    case Metric::kLive:
      return live_bytes;
    case Metric::kTemporary:
      return temporary;
    case Metric::kLeaked:
      return leaked_bytes;
    case Metric::kCpu:
    case Metric::kWall:
      break;
  }
  return 0;
}

std::vector<HeapSite> heap_sites(const Profile& profile) {
  struct OfStack {
    StackPlace place;
    StackSizes sizes;
    uint64_t weight = 0;
    std::vector<uint32_t> cells;
  };
  std::unordered_map<uint32_t, OfStack> stacks;
  PlaceFinder finder(profile);
  for (uint32_t i = 0; i < profile.heap.cells.size(); ++i) {
    const HeapCell& cell = profile.heap.cells[i];
    if (cell.kind != MemoryKind::kHeap) continue;
    const auto [entry, added] = stacks.try_emplace(cell.stack);
    OfStack& stack = entry->second;
    if (added) stack.place = finder.find(cell.stack);
    stack.cells.push_back(i);
    stack.weight += cell.allocated_bytes + cell.peak_bytes;
    const uint8_t size_class = std::min<uint8_t>(cell.size_class, 64);
    stack.sizes.allocations[size_class] += cell.allocations;
    stack.sizes.deallocations[size_class] += cell.deallocations;
    stack.sizes.temporary[size_class] += cell.temporary;
  }
  using Key = std::tuple<uint32_t, uint32_t, uint32_t>;  // function, file, line
  std::map<Key, std::pair<HeapSite, uint64_t>> sites;    // with the weight of the heaviest stack
  for (auto& [index, stack] : stacks) {
    if (stack.place.path.empty()) continue;
    const Location& place = profile.locations[stack.place.path.front()];
    auto& [site, heaviest] = sites[{place.function, place.file, place.line}];
    GrowthKind growth = stack.place.growth;
    if (growth == GrowthKind::kNone && is_realloc_chain(stack.sizes)) growth = GrowthKind::kBuffer;
    for (const uint32_t cell : stack.cells) add_cell(profile.heap.cells[cell], growth, site);
    if (stack.weight >= heaviest || site.path.empty()) site.path = stack.place.path;
    heaviest = std::max(heaviest, stack.weight);
    site.through_library = site.through_library || stack.place.through_library();
  }
  std::vector<HeapSite> result;
  for (auto& [key, site] : sites) result.push_back(std::move(site.first));
  return result;
}

std::vector<HeapSite> heap_sites_by_value(const Profile& profile) {
  const Metric metric = profile.options.metric;
  std::vector<HeapSite> sites = heap_sites(profile);
  std::erase_if(sites, [metric](const HeapSite& site) { return site.value(metric) == 0; });
  std::stable_sort(sites.begin(), sites.end(),
                   [metric](const HeapSite& a, const HeapSite& b) { return a.value(metric) > b.value(metric); });
  return sites;
}

}  // namespace flarestack
