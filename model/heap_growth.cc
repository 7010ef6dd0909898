// SPDX-License-Identifier: Apache-2.0
#include "model/heap_growth.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "model/index_table.h"
#include "model/leak_choice.h"
#include "model/selection.h"
#include "model/stack_paths.h"

namespace flarestack {
namespace {

// The ends of each process's slices.
using SliceEnds = std::vector<std::vector<int64_t>>;

struct Series {
  uint32_t process = kNoIndex;
  uint32_t path = 0;
  uint32_t stack = kNoIndex;
  std::vector<std::pair<uint32_t, int64_t>> changes;  // by index in the process's slice ends
  int64_t live_bytes = 0;
  int64_t live_blocks = 0;
};

class GrowthFinder {
 public:
  GrowthFinder(const Profile& profile, uint64_t memory_bytes)
      : profile_(profile), recording_(profile.recording), paths_(profile) {
    growth_.memory_bytes = memory_bytes;
  }

  HeapGrowth find() {
    const Result<Selection> selection = Selection::make(recording_, profile_.options);
    if (!selection.ok()) return {};
    find_slices(*selection);
    gather(*selection);
    std::sort(series_.begin(), series_.end(), [](const Series& a, const Series& b) {
      return std::tie(a.process, a.path) < std::tie(b.process, b.path);
    });
    auto series = series_.cbegin();
    for (uint32_t process = 0; process < ends_.size(); ++process) {
      if (!is_long_enough(ends_[process])) continue;
      ProcessGrowth of_process;
      of_process.process = process;
      for (; series != series_.cend() && series->process == process; ++series) fit(*series, of_process);
      add_process(of_process);
    }
    std::stable_sort(growth_.growing.begin(), growth_.growing.end(), [](const GrowingPath& a, const GrowingPath& b) {
      return a.fit.bytes_per_second > b.fit.bytes_per_second;
    });
    std::stable_sort(growth_.levelled.begin(), growth_.levelled.end(),
                     [](const GrowingPath& a, const GrowingPath& b) { return a.live_bytes > b.live_bytes; });
    return std::move(growth_);
  }

 private:
  static bool is_long_enough(const std::vector<int64_t>& ends) {
    return ends.size() >= kLeastGrowthPoints && ends.back() - ends.front() >= kLeastGrowthNs;
  }

  void find_slices(const Selection& selection) {
    ends_.resize(recording_.processes.size());
    for (const RecordedHeapSlice& each : recording_.heap_slices) {
      if (each.process >= ends_.size() || each.slice.slice_start_ns >= selection.to_ns()) continue;
      ends_[each.process].push_back(each.slice.slice_start_ns + each.slice.slice_length_ns);
    }
    for (std::vector<int64_t>& ends : ends_) {
      std::sort(ends.begin(), ends.end());
      ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    }
  }

  void gather(const Selection& selection) {
    std::vector<bool> kept(recording_.stacks.size(), false);  // by --focus and --ignore
    for (const HeapCell& cell : profile_.heap.cells) {
      if (cell.stack < kept.size()) kept[cell.stack] = true;
    }
    for (const RecordedAllocation& each : recording_.allocations) {
      const uint32_t process = recording_.process_of_thread(each.thread);
      if (process >= ends_.size() || !is_long_enough(ends_[process])) continue;
      if (each.stack >= kept.size() || !kept[each.stack] || !selection.chooses(each)) continue;
      const auto change = static_cast<int64_t>(each.allocated_bytes) - static_cast<int64_t>(each.deallocated_bytes);
      if (change == 0 && each.allocations == each.deallocations)
        continue;  // most stacks are of blocks that live shortly
      const int64_t end_ns = each.slice_start_ns + each.slice_length_ns;
      const std::vector<int64_t>& ends = ends_[process];
      const auto slice = std::lower_bound(ends.begin(), ends.end(), end_ns);
      if (slice == ends.end()) continue;
      Series& series = series_of(process, paths_.path_of(each.stack));
      series.stack = each.stack;
      series.changes.emplace_back(static_cast<uint32_t>(slice - ends.begin()), change);
      // Wraps around instead of overflowing, whatever a damaged trace says.
      series.live_bytes =
          static_cast<int64_t>(static_cast<uint64_t>(series.live_bytes) + static_cast<uint64_t>(change));
      series.live_blocks =
          static_cast<int64_t>(static_cast<uint64_t>(series.live_blocks) + each.allocations - each.deallocations);
    }
  }

  Series& series_of(uint32_t process, uint32_t path) {
    const auto next = static_cast<uint32_t>(series_.size());
    const uint32_t found = series_index_.find_or_add(hash_of(process, path), next, [&](uint32_t number) {
      return series_[number].process == process && series_[number].path == path;
    });
    if (found == next) {
      series_.emplace_back();
      series_.back().process = process;
      series_.back().path = path;
    }
    return series_[found];
  }

  void fit(const Series& series, ProcessGrowth& of_process) {
    if (series.live_bytes <= 0) return;
    const std::vector<int64_t>& ends = ends_[series.process];
    std::vector<double> change(ends.size(), 0);
    for (const auto& [slice, bytes] : series.changes) change[slice] += static_cast<double>(bytes);
    std::vector<LevelPoint> points;
    double level = 0;
    for (size_t i = 0; i < ends.size(); ++i) points.push_back({ends[i], level += change[i]});
    GrowingPath found;
    found.fit = fit_growth(points);
    if (found.fit.trend == Trend::kNone) return;
    found.process = series.process;
    found.path = paths_.locations_of(series.stack);
    found.live_bytes = static_cast<uint64_t>(series.live_bytes);
    found.live_blocks = static_cast<uint64_t>(std::max<int64_t>(series.live_blocks, 0));
    found.oldest_age_ns = oldest_age(series.process, series.path);
    const bool grows = found.fit.trend == Trend::kGrowing;
    if (grows) of_process.bytes_per_second += found.fit.bytes_per_second;
    (grows ? growth_.growing : growth_.levelled).push_back(std::move(found));
  }

  int64_t oldest_age(uint32_t process, uint32_t path) {
    if (!ages_known_) {
      ages_known_ = true;
      const std::vector<uint32_t> last = last_leak_checks(recording_);
      for (const RecordedLeak& each : recording_.leaks) {
        if (each.process >= last.size() || last[each.process] == kNoIndex || each.leak.inherited) continue;
        const LeakCheckRecord& check = recording_.leak_checks[last[each.process]].check;
        if (each.leak.check != check.number) continue;
        const int64_t age_ns = std::max<int64_t>(check.time_ns - each.leak.first_ns, 0);
        int64_t& oldest = ages_[{each.process, paths_.path_of(each.stack)}];
        oldest = std::max(oldest, age_ns);
      }
    }
    const auto age = ages_.find({process, path});
    return age == ages_.end() ? -1 : age->second;
  }

  void add_process(ProcessGrowth& of_process) {
    int64_t latest_ns = INT64_MIN;
    for (const RecordedMemory& look : recording_.memory) {
      if (look.process != of_process.process || look.memory.time_ns < latest_ns) continue;
      latest_ns = look.memory.time_ns;
      of_process.resident_bytes = look.memory.rss_bytes;
    }
    if (growth_.memory_bytes != 0 && of_process.bytes_per_second > 0) {
      const uint64_t used_bytes = std::min(of_process.resident_bytes, growth_.memory_bytes);
      of_process.seconds_left = static_cast<double>(growth_.memory_bytes - used_bytes) / of_process.bytes_per_second;
    }
    growth_.processes.push_back(of_process);
  }

  const Profile& profile_;
  const Recording& recording_;
  StackPaths paths_;
  SliceEnds ends_;
  std::vector<Series> series_;  // one of each process and path
  IndexTable series_index_;
  bool ages_known_ = false;
  std::map<std::pair<uint32_t, uint32_t>, int64_t> ages_;  // by process and path
  HeapGrowth growth_;
};

}  // namespace

HeapGrowth find_growth(const Profile& profile, uint64_t memory_bytes) {
  return GrowthFinder(profile, memory_bytes).find();
}

}  // namespace flarestack
