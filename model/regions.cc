// SPDX-License-Identifier: Apache-2.0
#include "model/regions.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/selection.h"

namespace flarestack {
namespace {

void add(const RegionTotalsRecord& record, RegionUse& use) {
  use.calls += record.calls;
  use.unfinished += record.unfinished;
  use.longest_ns = std::max(use.longest_ns, record.longest_ns);
  use.peak_bytes = std::max(use.peak_bytes, record.peak_bytes);
  use.total.wall_ns += record.wall_ns;
  use.self.wall_ns += record.self_wall_ns;
  RegionFigures figures;
  figures.allocations = record.allocations;
  figures.allocated_bytes = record.allocated_bytes;
  figures.deallocations = record.deallocations;
  figures.deallocated_bytes = record.deallocated_bytes;
  add_figures(figures, use.self);
}

// By index in Recording::regions, and thread.
using ThreadUses = std::map<std::pair<uint32_t, uint32_t>, RegionUse>;

class Builder {
 public:
  Builder(const Recording& recording, const Selection& selection) : recording_(recording), selection_(selection) {}

  Regions build() {
    gather();
    nest();
    order();
    add_values();
    add_pools();
    add_spans();
    return std::move(regions_);
  }

 private:
  bool is_region(uint32_t index) const {
    return index < recording_.regions.size() && recording_.regions[index].kind == RegionKind::kRegion;
  }

  void gather() {
    for (const RecordedRegionTotals& each : recording_.region_totals) {
      if (is_region(each.region) && selection_.chooses(each)) add(each.totals, uses_[{each.region, each.thread}]);
    }
    for (const RecordedSample& sample : recording_.samples) {
      if (is_region(sample.region) && sample.metric == SampleMetric::kCpu && selection_.chooses(sample))
        uses_[{sample.region, sample.thread}].self.cpu_ns += sample.weight_ns;
    }
  }

  // What is nested counts for what it is nested in, which has a smaller index.
  void nest() {
    for (auto& [key, use] : uses_) add_figures(use.self, use.total);
    ThreadUses nested;
    for (auto entry = uses_.rbegin(); entry != uses_.rend(); ++entry) {
      const auto& [region, thread] = entry->first;
      if (const auto found = nested.find(entry->first); found != nested.end())
        add_figures(found->second.total, entry->second.total);
      const uint32_t parent = recording_.regions[region].parent;
      if (is_region(parent)) add_figures(entry->second.total, nested[{parent, thread}].total);
    }
    // A region whose own record was lost, or that is still open, has at least what is nested in it.
    for (auto& [key, use] : nested) {
      if (!uses_.contains(key)) uses_[key] = use;
    }
  }

  void order() {
    std::vector<RegionUse> sums(recording_.regions.size());
    std::vector<bool> used(recording_.regions.size(), false);
    for (const auto& [key, use] : uses_) {
      RegionUse& sum = sums[key.first];
      used[key.first] = true;
      sum.calls += use.calls;
      sum.unfinished += use.unfinished;
      sum.longest_ns = std::max(sum.longest_ns, use.longest_ns);
      sum.peak_bytes = std::max(sum.peak_bytes, use.peak_bytes);
      add_figures(use.total, sum.total);
      add_figures(use.self, sum.self);
      sum.total.wall_ns += use.total.wall_ns;
      sum.self.wall_ns += use.self.wall_ns;
    }
    for (size_t i = used.size(); i-- > 0;) {
      if (const uint16_t parent = recording_.regions[i].parent; used[i] && parent < used.size()) used[parent] = true;
    }
    std::map<uint32_t, std::vector<uint32_t>> children;  // by parent
    for (uint32_t i = 0; i < used.size(); ++i) {
      if (used[i]) children[recording_.regions[i].parent].push_back(i);
    }
    for (auto& [parent, of_parent] : children) {
      std::stable_sort(of_parent.begin(), of_parent.end(),
                       [&](uint32_t a, uint32_t b) { return sums[a].total.wall_ns > sums[b].total.wall_ns; });
    }
    place_.assign(recording_.regions.size(), kNoIndex);
    // Depth first; the stack holds what is to come, the next one last.
    std::vector<std::pair<uint32_t, uint32_t>> coming;  // region and its parent's place
    const auto push_children = [&](uint32_t of, uint32_t place) {
      const auto found = children.find(of);
      if (found == children.end()) return;
      for (auto child = found->second.rbegin(); child != found->second.rend(); ++child)
        coming.emplace_back(*child, place);
    };
    push_children(kNoRegion, kNoIndex);
    while (!coming.empty()) {
      const auto [index, parent] = coming.back();
      coming.pop_back();
      Region region;
      region.name = recording_.regions[index].name;
      region.parent = parent;
      region.depth = parent == kNoIndex ? 0 : regions_.regions[parent].depth + 1;
      region.path = parent == kNoIndex ? region.name : regions_.regions[parent].path + "/" + region.name;
      region.recorded = static_cast<uint16_t>(index);
      region.use = sums[index];
      for (auto entry = uses_.lower_bound({index, 0}); entry != uses_.end() && entry->first.first == index; ++entry)
        region.threads.push_back({entry->first.second, entry->second});
      place_[index] = static_cast<uint32_t>(regions_.regions.size());
      regions_.regions.push_back(std::move(region));
      push_children(index, place_[index]);
    }
  }

  void add_values() {
    std::map<uint32_t, RegionValue> values;
    for (const RecordedRegionValue& each : recording_.region_values) {
      if (each.region >= recording_.regions.size() || !selection_.chooses_thread(each.thread)) continue;
      RegionValue& sum = values[each.region];
      const bool first = sum.count == 0;
      sum.name = recording_.regions[each.region].name;
      sum.count += each.value.count;
      sum.sum = static_cast<int64_t>(static_cast<uint64_t>(sum.sum) + static_cast<uint64_t>(each.value.sum));
      sum.smallest = first ? each.value.smallest : std::min(sum.smallest, each.value.smallest);
      sum.largest = first ? each.value.largest : std::max(sum.largest, each.value.largest);
      sum.last = each.value.last;
    }
    for (auto& [index, value] : values) {
      const RecordedRegion& told = recording_.regions[index];
      if (told.kind == RegionKind::kTag && told.parent < place_.size() && place_[told.parent] != kNoIndex) {
        regions_.regions[place_[told.parent]].tags.push_back(std::move(value));
      } else if (told.kind != RegionKind::kRegion) {
        regions_.counters.push_back(std::move(value));  // a tag outside of any region is one, too
      }
    }
  }

  // "[pool NAME]" is the innermost frame of its blocks' stacks.
  std::string pool_of(uint32_t stack) const {
    constexpr std::string_view kBefore = "[pool ";
    if (stack >= recording_.stacks.size()) return {};
    const uint32_t frame = recording_.stacks[stack].frame;
    if (frame >= recording_.frames.size() || recording_.frames[frame].name >= recording_.strings.size()) return {};
    const std::string& name = recording_.strings[recording_.frames[frame].name];
    return name.starts_with(kBefore) ? name.substr(kBefore.size(), name.size() - kBefore.size() - 1) : std::string();
  }

  void add_pools() {
    std::map<std::string, RegionPool> pools;
    std::map<std::pair<std::string, int64_t>, std::pair<int64_t, int64_t>> slices;  // change, and change up to the peak
    for (const RecordedAllocation& each : recording_.pool_allocations) {
      if (!selection_.chooses(each)) continue;
      const std::string name = pool_of(each.stack);
      RegionPool& pool = pools[name];
      pool.name = name;
      pool.allocations += each.allocations;
      pool.allocated_bytes += each.allocated_bytes;
      pool.live_bytes_at_end += each.allocated_bytes - each.deallocated_bytes;
      pool.live_blocks_at_end += each.allocations - each.deallocations;
      auto& [change, by_peak] = slices[{name, each.slice_start_ns}];
      change += static_cast<int64_t>(each.allocated_bytes - each.deallocated_bytes);
      by_peak += each.peak_bytes;
    }
    std::map<std::string, int64_t> live;
    for (const auto& [key, slice] : slices) {
      RegionPool& pool = pools[key.first];
      int64_t& before = live[key.first];
      pool.peak_bytes = std::max(pool.peak_bytes, static_cast<uint64_t>(std::max<int64_t>(before + slice.second, 0)));
      before += slice.first;
    }
    for (auto& [name, pool] : pools) regions_.pools.push_back(std::move(pool));
  }

  void add_spans() {
    for (const RecordedRegionSpan& each : recording_.region_spans) {
      if (each.region >= place_.size() || place_[each.region] == kNoIndex || !selection_.chooses(each)) continue;
      regions_.spans.push_back(
          {place_[each.region], each.thread, each.span.start_ns, each.span.end_ns, each.span.calls, each.span.busy_ns});
    }
    std::stable_sort(regions_.spans.begin(), regions_.spans.end(),
                     [](const RegionSpan& a, const RegionSpan& b) { return a.start_ns < b.start_ns; });
  }

  const Recording& recording_;
  const Selection& selection_;
  ThreadUses uses_;
  std::vector<uint32_t> place_;  // in Regions::regions, by index in Recording::regions
  Regions regions_;
};

}  // namespace

void add_figures(const RegionFigures& figures, RegionFigures& sum) {
  sum.cpu_ns += figures.cpu_ns;
  sum.allocations += figures.allocations;
  sum.allocated_bytes += figures.allocated_bytes;
  sum.deallocations += figures.deallocations;
  sum.deallocated_bytes += figures.deallocated_bytes;
}

Regions regions_of(const Recording& recording, const ProfileOptions& options) {
  const Result<Selection> selection = Selection::make(recording, options);
  if (!selection.ok()) return {};  // not of a profile: it would not have been built
  return Builder(recording, *selection).build();
}

}  // namespace flarestack
