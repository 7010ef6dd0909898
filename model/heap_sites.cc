// SPDX-License-Identifier: Apache-2.0
#include "model/heap_sites.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <tuple>

namespace flarestack {
namespace {

constexpr size_t kLeastChain = 4;  // size classes of a buffer that grew

bool is_tiny(const HeapCell& cell) {
  return cell.size_class <= 5 || (cell.size_class == 6 && cell.allocated_bytes == 32 * cell.allocations);
}

void add_cell(const HeapCells& heap, const HeapCell& cell, GrowthKind growth, HeapSite& site) {
  site.allocations += cell.allocations;
  site.allocated_bytes += cell.allocated_bytes;
  site.temporary += cell.temporary;
  site.samples += heap.samples_of(cell);
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
  site.grown_samples += heap.samples_of(cell);
  site.grown_by_class[std::min<uint8_t>(cell.size_class, 64)] += cell.allocations;
  const uint64_t size_bytes = std::max(cell.allocated_bytes / cell.allocations,
                                       cell.size_class == 0 ? 0 : uint64_t{1} << (cell.size_class - 1));
  site.greatest_grown_bytes = std::max(site.greatest_grown_bytes, size_bytes);
}

// A buffer that realloc() grows has no frame that says so. What tells it: sizes double through at least four classes,
// as often or less often from class to class, and all but the greatest were freed by the thread's very next call. A
// function that asks for blocks of many sizes frees them in no such order.
// `cells`: indexes of all of one stack.
bool is_realloc_chain(const Profile& profile, std::span<const uint32_t> cells) {
  if (cells.size() < kLeastChain) return false;
  struct {
    std::array<uint64_t, 65> allocations{}, temporary{};  // by size class
  } sizes;
  for (const uint32_t each : cells) {
    const HeapCell& cell = profile.heap.cells[each];
    const uint8_t size_class = std::min<uint8_t>(cell.size_class, 64);
    sizes.allocations[size_class] += cell.allocations;
    sizes.temporary[size_class] += cell.temporary;
  }
  size_t first = 0;
  while (first < 65 && sizes.allocations[first] == 0) ++first;
  size_t last = first;
  while (last + 1 < 65 && sizes.allocations[last + 1] != 0) ++last;
  for (size_t i = last + 1; i < 65; ++i) {
    if (sizes.allocations[i] != 0) return false;
  }
  if (last + 1 < first + kLeastChain) return false;
  for (size_t i = first; i < last; ++i) {
    if (sizes.allocations[i + 1] > sizes.allocations[i]) return false;
    if (i + 1 < last && 10 * sizes.temporary[i] < 9 * sizes.allocations[i]) return false;
  }
  // Chains all end at one size, or at several and are then rarer towards the greatest; or the last block is in use.
  return sizes.allocations[last] == sizes.allocations[first] ||
         2 * sizes.allocations[last] <= sizes.allocations[first] || sizes.temporary[last] == 0;
}

// Indexes of the heap's cells, those of one stack together. Of cells without a known stack, those that have lost it
// stand apart from those that never had one.
std::vector<uint32_t> heap_cells_by_stack(const Profile& profile) {
  const std::vector<HeapCell>& cells = profile.heap.cells;
  const auto known = static_cast<uint32_t>(profile.recording.stacks.size());
  const auto place_of = [known](uint32_t stack) {
    return stack < known ? stack : stack == kNoIndex ? known : known + 1;
  };
  std::vector<uint32_t> next(known + 3, 0);
  for (const HeapCell& cell : cells) {
    if (cell.kind == MemoryKind::kHeap) ++next[place_of(cell.stack) + 1];
  }
  for (size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  std::vector<uint32_t> order(next.back());
  for (uint32_t i = 0; i < cells.size(); ++i) {
    if (cells[i].kind == MemoryKind::kHeap) order[next[place_of(cells[i].stack)]++] = i;
  }
  return order;
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
  using Key = std::tuple<uint32_t, uint32_t, uint32_t>;  // function, file, line
  struct Heaviest {
    uint32_t stack = kNoIndex;
    uint64_t weight = 0;
  };
  std::map<Key, std::pair<HeapSite, Heaviest>> sites;
  PlaceFinder finder(profile);
  const std::vector<uint32_t> order = heap_cells_by_stack(profile);
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const uint32_t stack = profile.heap.cells[order[begin]].stack;
    uint64_t weight = 0;
    for (; end < order.size() && profile.heap.cells[order[end]].stack == stack; ++end) {
      const HeapCell& cell = profile.heap.cells[order[end]];
      weight += cell.allocated_bytes + cell.peak_bytes;
    }
    const StackPlace& found = finder.find(stack, 1);
    if (found.path.empty()) continue;
    const Location& place = profile.locations[found.path.front()];
    auto& [site, heaviest] = sites[{place.function, place.file, place.line}];
    site.through_library = site.through_library || found.through_library();
    GrowthKind growth = finder.growth_of(found);
    if (growth == GrowthKind::kNone && is_realloc_chain(profile, std::span(order).subspan(begin, end - begin)))
      growth = GrowthKind::kBuffer;
    for (size_t i = begin; i < end; ++i) add_cell(profile.heap, profile.heap.cells[order[i]], growth, site);
    if (weight >= heaviest.weight) heaviest = {stack, weight};
  }
  std::vector<HeapSite> result;
  for (auto& [key, entry] : sites) {
    auto& [site, heaviest] = entry;
    site.path = finder.find(heaviest.stack).path;
    result.push_back(std::move(site));
  }
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
