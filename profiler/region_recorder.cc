// SPDX-License-Identifier: Apache-2.0
#include "profiler/region_recorder.h"

#include <algorithm>
#include <tuple>

namespace flarestack {
namespace {

constexpr size_t kMostSpans = 8192;  // of one process
constexpr int64_t kFirstMergeGapNs = 100'000;

}  // namespace

bool RegionRecorder::read_node(uint32_t node, RegionNode& copy, std::string& name) const {
  const RegionTable& table = session_.regions();
  if (node == 0 || node >= kMaxRegionNodes) {
    return false;
  }
  copy = table.node[node];
  if (copy.parent >= node || copy.name_bytes > kRegionNameBytes ||
      copy.name_offset > kRegionNameBytes - copy.name_bytes) {
    return false;
  }
  name.assign(table.names + copy.name_offset, copy.name_bytes);
  return true;
}

RegionId RegionRecorder::region_of(uint32_t node) {
  if (node == 0 || node >= kMaxRegionNodes) {
    return {};
  }
  if (by_node_.size() <= node) {
    by_node_.resize(node + 1);
  }
  if (!by_node_[node]) {
    RegionNode copy;
    std::string name;
    if (!read_node(node, copy, name) || copy.kind > RegionNodeKind::kCounter) {
      return {};
    }
    const RegionId parent = copy.parent != 0 ? region_of(copy.parent) : RegionId{};  // below it: it ends
    by_node_[node] = tables_.region(parent, static_cast<RegionKind>(copy.kind), name);
  }
  return by_node_[node];
}

std::string RegionRecorder::pool_name(uint32_t node) const {
  RegionNode copy;
  std::string name;
  return read_node(node, copy, name) && copy.kind == RegionNodeKind::kPool ? name : std::string();
}

uint32_t RegionRecorder::total_of(ThreadId thread, RegionId region) {
  const auto [entry, added] = total_by_key_.try_emplace({thread, region}, static_cast<uint32_t>(totals_.size()));
  if (added) {
    RegionTotalsRecord record;
    record.thread = thread;
    record.region = region;
    totals_.push_back(record);
  }
  return entry->second;
}

void RegionRecorder::Thread::begin(uint32_t node, uint32_t depth, int64_t time_ns) {
  while (!open_.empty() && open_.size() >= depth) {
    close(time_ns, Ending::kCut);
  }
  const RegionId region = regions_.region_of(node);
  if (!region || open_.size() >= kMaxRegionDepth) {
    return;
  }
  Open open;
  open.region = region;
  open.total = regions_.total_of(thread_, region);
  open.start_ns = time_ns;
  open.live_bytes = open.most_bytes = live_bytes_;
  open_.push_back(open);
}

void RegionRecorder::Thread::end(uint32_t depth, int64_t time_ns) {
  while (open_.size() > depth) {
    close(time_ns, Ending::kCut);
  }
  if (depth != 0 && open_.size() == depth) {
    close(time_ns, Ending::kBySelf);
  }
}

void RegionRecorder::Thread::close(int64_t time_ns, Ending ending) {
  const Open open = open_.back();
  open_.pop_back();
  const int64_t wall_ns = std::max<int64_t>(time_ns - open.start_ns, 0);
  RegionTotalsRecord& total = regions_.totals_[open.total];
  ++total.calls;
  total.wall_ns += static_cast<uint64_t>(wall_ns);
  total.self_wall_ns += static_cast<uint64_t>(std::max<int64_t>(wall_ns - open.nested_ns, 0));
  total.longest_ns = std::max(total.longest_ns, static_cast<uint64_t>(wall_ns));
  total.peak_bytes = std::max(total.peak_bytes, static_cast<uint64_t>(open.most_bytes - open.live_bytes));
  total.unfinished += ending == Ending::kCut ? 1 : 0;
  regions_.unfinished_ += ending == Ending::kCut ? 1 : 0;
  if (!open_.empty()) {
    open_.back().nested_ns += wall_ns;
    open_.back().most_bytes = std::max(open_.back().most_bytes, open.most_bytes);
  }
  regions_.add_span({thread_, open.region, open.start_ns, open.start_ns + wall_ns, 1, static_cast<uint64_t>(wall_ns)});
}

void RegionRecorder::Thread::tell(uint32_t node, int64_t value) {
  const RegionId region = regions_.region_of(node);
  if (!region) {
    return;
  }
  RegionValueRecord& told = regions_.values_[{thread_, region}];
  const bool first = told.count == 0;
  told.thread = thread_;
  told.region = region;
  ++told.count;
  told.sum = static_cast<int64_t>(static_cast<uint64_t>(told.sum) + static_cast<uint64_t>(value));
  told.smallest = first ? value : std::min(told.smallest, value);
  told.largest = first ? value : std::max(told.largest, value);
  told.last = value;
}

void RegionRecorder::Thread::allocated(uint64_t blocks, uint64_t bytes) {
  if (open_.empty()) {
    return;
  }
  live_bytes_ += static_cast<int64_t>(bytes);
  open_.back().most_bytes = std::max(open_.back().most_bytes, live_bytes_);
  RegionTotalsRecord& total = regions_.totals_[open_.back().total];
  total.allocations += blocks;
  total.allocated_bytes += bytes;
}

void RegionRecorder::Thread::freed(uint64_t blocks, uint64_t bytes) {
  if (open_.empty()) {
    return;
  }
  live_bytes_ -= static_cast<int64_t>(bytes);
  RegionTotalsRecord& total = regions_.totals_[open_.back().total];
  total.deallocations += blocks;
  total.deallocated_bytes += bytes;
}

void RegionRecorder::Thread::leave(int64_t time_ns) {
  while (!open_.empty()) {
    close(time_ns, Ending::kCut);
  }
}

int64_t RegionRecorder::Thread::open_since(const std::string& name) const {
  for (const Open& open : open_) {
    if (regions_.tables_.region_name(open.region) == name) {
      return open.start_ns;
    }
  }
  return INT64_MAX;
}

void RegionRecorder::add_span(const RegionSpanRecord& span) {
  spans_.push_back(span);
  if (spans_.size() >= 2 * kMostSpans) {
    merge_spans();
  }
}

// Until half the room is free: so each span is looked at a few times at most.
void RegionRecorder::merge_spans() {
  std::sort(spans_.begin(), spans_.end(), [](const RegionSpanRecord& a, const RegionSpanRecord& b) {
    return std::tie(a.thread, a.region, a.start_ns) < std::tie(b.thread, b.region, b.start_ns);
  });
  const size_t before = spans_.size();
  while (spans_.size() > kMostSpans) {
    merge_gap_ns_ = std::max(merge_gap_ns_ * 2, kFirstMergeGapNs);
    size_t kept = 0;
    for (size_t i = 1; i < spans_.size(); ++i) {
      RegionSpanRecord& last = spans_[kept];
      const RegionSpanRecord& next = spans_[i];
      if (next.thread == last.thread && next.region == last.region && next.start_ns - last.end_ns <= merge_gap_ns_) {
        last.end_ns = std::max(last.end_ns, next.end_ns);
        last.calls += next.calls;
        last.busy_ns += next.busy_ns;
      } else {
        spans_[++kept] = next;
      }
    }
    if (kept + 1 == spans_.size() && merge_gap_ns_ > INT64_MAX / 4) {
      spans_.resize(kMostSpans);  // of so many threads and regions that there is one each
    } else {
      spans_.resize(kept + 1);
    }
  }
  spans_merged_ += before - spans_.size();
}

void RegionRecorder::write(int64_t now_ns, bool always) {
  if (!always && now_ns < next_write_ns_) {
    return;
  }
  next_write_ns_ = 2 * now_ns;
  for (RegionTotalsRecord& total : totals_) {
    const RegionTotalsRecord empty{.thread = total.thread, .region = total.region};
    if (!(total == empty)) {
      tables_.writer().add(total);
      total = empty;
    }
  }
  for (auto& [key, value] : values_) {
    if (value.count != 0) {
      tables_.writer().add(value);
      value.count = 0;
      value.sum = 0;
    }
  }
  if (always) {
    for (const RegionSpanRecord& span : spans_) {
      tables_.writer().add(span);
    }
    spans_.clear();
  }
}

}  // namespace flarestack
