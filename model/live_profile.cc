// SPDX-License-Identifier: Apache-2.0
#include "model/live_profile.h"

#include <algorithm>

#include "model/stack_place.h"

namespace flarestack {
namespace {

int64_t middle_of(int64_t start_ns, int64_t length_ns) { return start_ns + length_ns / 2; }

}  // namespace

void LiveProfile::Flow::add(const RecordedAllocation& allocation) {
  allocations += allocation.allocations;
  allocated_bytes += allocation.allocated_bytes;
  deallocations += allocation.deallocations;
  deallocated_bytes += allocation.deallocated_bytes;
}

LiveProfile::LiveProfile(SymbolSource symbols, int64_t window_ns)
    : symbols_(std::move(symbols)),
      bucket_ns_(std::max<int64_t>(window_ns / kBuckets, 1)),
      names_(builder_.so_far(), ProfileOptions()),
      no_stack_(names_.special("[no stack]", FrameType::kMarker)) {}

void LiveProfile::update(Names names) {
  const Recording& recording = builder_.so_far();
  named_.resize(recording.frames.size(), false);
  node_of_stack_.resize(recording.stacks.size(), kNoIndex);
  site_of_stack_.resize(recording.stacks.size(), kNoIndex);
  heaps_.resize(recording.processes.size());
  for (const RecordedSample& sample : recording.samples) take(sample);
  for (const RecordedAllocation& allocation : recording.allocations) {
    if (allocation.kind == MemoryKind::kHeap) take(allocation);
  }
  take_heap_slices();
  builder_.drop_measurements();
  if (names == Names::kAsk) ask_for_names();
  forget_ended();
  const int64_t first = begin_of_window() / bucket_ns_;
  while (!buckets_.empty() && buckets_.front().index < first) buckets_.pop_front();
}

// Of all that waits for them; then it does no more.
void LiveProfile::ask_for_names() {
  if (waiting_samples_.empty() && waiting_allocations_.empty()) return;
  const Recording& recording = builder_.so_far();
  std::vector<bool> wanted(recording.frames.size(), false);
  const auto want = [&](uint32_t stack) {
    for (; stack < recording.stacks.size(); stack = recording.stacks[stack].parent) {
      const uint32_t frame = recording.stacks[stack].frame;
      if (frame < named_.size() && !named_[frame]) wanted[frame] = true;
    }
  };
  for (const RecordedSample& sample : waiting_samples_) want(sample.stack);
  for (const RecordedAllocation& allocation : waiting_allocations_) want(allocation.stack);
  names_.resolve(wanted, symbols_);
  for (size_t i = 0; i < wanted.size(); ++i) named_[i] = named_[i] || wanted[i];

  const std::vector<RecordedSample> samples = std::exchange(waiting_samples_, {});
  for (const RecordedSample& sample : samples)
    account(sample, bucket_at(middle_of(sample.slice_start_ns, sample.slice_length_ns)));
  const std::vector<RecordedAllocation> allocations = std::exchange(waiting_allocations_, {});
  for (const RecordedAllocation& allocation : allocations) account(allocation);
}

bool LiveProfile::is_named(uint32_t stack) {
  const Recording& recording = builder_.so_far();
  for (; stack < recording.stacks.size() && node_of_stack_[stack] == kNoIndex; stack = recording.stacks[stack].parent) {
    const uint32_t frame = recording.stacks[stack].frame;
    if (frame < named_.size() && !named_[frame]) return false;
  }
  return true;
}

// Of a stack that is named.
uint32_t LiveProfile::node_of(uint32_t stack) {
  const Recording& recording = builder_.so_far();
  const auto add = [&](uint32_t node, const Location& location) {
    const uint32_t child = tree_.child(node, location.function, location.type);
    node_self_.resize(tree_.nodes().size());
    return child;
  };
  if (stack == kNoIndex) return add(CallTree::kRoot, names_.locations()[no_stack_]);
  pending_.clear();
  uint32_t node = CallTree::kRoot;
  for (; stack < recording.stacks.size(); stack = recording.stacks[stack].parent) {
    if (node_of_stack_[stack] != kNoIndex) {
      node = node_of_stack_[stack];
      break;
    }
    pending_.push_back(stack);
  }
  if (stack == kLostIndex) node = add(node, names_.locations()[names_.lost()]);
  for (auto each = pending_.rbegin(); each != pending_.rend(); ++each) {
    const auto locations = names_.of_frame(recording.stacks[*each].frame);
    for (auto location = locations.rbegin(); location != locations.rend(); ++location) node = add(node, *location);
    node_of_stack_[*each] = node;
  }
  return node;
}

// nullptr: it is out of the window already.
LiveProfile::Bucket* LiveProfile::bucket_at(int64_t time_ns) {
  const int64_t index = std::max<int64_t>(time_ns, 0) / bucket_ns_;
  if (time_ns < begin_of_window()) return nullptr;
  auto at = std::lower_bound(buckets_.begin(), buckets_.end(), index,
                             [](const Bucket& bucket, int64_t wanted) { return bucket.index < wanted; });
  if (at == buckets_.end() || at->index != index) {
    at = buckets_.insert(at, Bucket());
    at->index = index;
  }
  return &*at;
}

void LiveProfile::take(const RecordedSample& sample) {
  if (sample.slice_start_ns + sample.slice_length_ns <= whole_since_ns_) return;
  Bucket* bucket = bucket_at(middle_of(sample.slice_start_ns, sample.slice_length_ns));
  for (Sums* sums : {&whole_, bucket != nullptr ? &bucket->sums : nullptr}) {
    if (sums == nullptr) continue;
    sums->time_ns += sample.weight_ns;
    sums->samples += sample.count;
    if (sample.metric != SampleMetric::kCpu) continue;
    sums->cpu_ns += sample.weight_ns;
    sums->threads[sample.thread].cpu_ns += sample.weight_ns;
  }
  if (is_named(sample.stack)) {
    account(sample, bucket);
  } else {
    waiting_samples_.push_back(sample);
  }
}

// To its functions. A recursive function counts once.
void LiveProfile::account(const RecordedSample& sample, Bucket* bucket) {
  const uint32_t leaf = node_of(sample.stack);
  node_self_[leaf].self_ns += sample.weight_ns;
  node_self_[leaf].samples += sample.count;
  function_stamp_.resize(names_.functions().size(), 0);
  ++stamp_;
  for (uint32_t node = leaf; node != CallTree::kRoot; node = tree_.nodes()[node].parent) {
    const uint32_t function = tree_.nodes()[node].function;
    if (std::exchange(function_stamp_[function], stamp_) == stamp_) continue;
    for (Sums* sums : {&whole_, bucket != nullptr ? &bucket->sums : nullptr}) {
      if (sums == nullptr) continue;
      FunctionCost& cost = sums->functions[function];
      cost.total_ns += sample.weight_ns;
      cost.self_ns += node == leaf ? sample.weight_ns : 0;
      cost.samples += node == leaf ? sample.count : 0;
    }
  }
}

void LiveProfile::take(const RecordedAllocation& allocation) {
  if (!is_named(allocation.stack)) {
    waiting_allocations_.push_back(allocation);
  } else {
    account(allocation);
  }
}

void LiveProfile::account(const RecordedAllocation& allocation) {
  const uint32_t number = site_of(allocation.stack);
  const auto bytes = static_cast<int64_t>(allocation.allocated_bytes - allocation.deallocated_bytes);
  const auto blocks = static_cast<int64_t>(allocation.allocations - allocation.deallocations);
  Site& site = sites_[number];
  const uint32_t process = builder_.so_far().process_of_thread(allocation.thread);
  if (process >= heaps_.size() || !heaps_[process].ended) {
    site.live_bytes += bytes;
    site.live_blocks += blocks;
  }
  if (process < heaps_.size()) {
    auto& [process_bytes, process_blocks] = heaps_[process].sites[number];
    process_bytes += bytes;
    process_blocks += blocks;
  }
  Bucket* bucket = bucket_at(middle_of(allocation.slice_start_ns, allocation.slice_length_ns));
  const bool is_of_whole = allocation.slice_start_ns + allocation.slice_length_ns > whole_since_ns_;
  for (Sums* sums : {is_of_whole ? &whole_ : nullptr, bucket != nullptr ? &bucket->sums : nullptr}) {
    if (sums == nullptr) continue;
    sums->flow.add(allocation);
    sums->sites[number].add(allocation);
    sums->threads[allocation.thread].flow.add(allocation);
  }
}

// Of a stack that is named.
uint32_t LiveProfile::site_of(uint32_t stack) {
  if (stack < site_of_stack_.size() && site_of_stack_[stack] != kNoIndex) return site_of_stack_[stack];
  Site site;
  site.node = node_of(stack);
  site.place = stack == kNoIndex ? no_stack_ : names_.lost();
  site.stack = stack;
  const Recording& recording = builder_.so_far();
  bool found = false;
  uint32_t node = site.node;
  for (uint32_t each = stack; each < recording.stacks.size() && !found; each = recording.stacks[each].parent) {
    const uint32_t first = names_.first_index_of_frame(recording.stacks[each].frame);
    const auto count = static_cast<uint32_t>(names_.of_frame(recording.stacks[each].frame).size());
    if (each == stack) site.place = first;  // where there is nothing but library code
    for (uint32_t location = first; location < first + count && !found; ++location) {
      const Location& where = names_.locations()[location];
      found = !is_library_function(names_.functions()[where.function], names_.files()[where.file]);
      if (found) {
        site.place = location;
        site.node = node;
      } else {
        ++site.inner;
        node = tree_.nodes()[node].parent;
      }
    }
  }
  if (!found) site.inner = 0;
  const auto next = static_cast<uint32_t>(sites_.size());
  const uint32_t line = names_.locations()[site.place].line;
  const uint32_t number = site_index_.find_or_add(hash_of(site.node, line), next, [&](uint32_t other) {
    return sites_[other].node == site.node && names_.locations()[sites_[other].place].line == line;
  });
  if (number == next) sites_.push_back(site);
  if (stack < site_of_stack_.size()) site_of_stack_[stack] = number;
  return number;
}

void LiveProfile::take_heap_slices() {
  for (const RecordedHeapSlice& each : builder_.so_far().heap_slices) {
    if (each.process >= heaps_.size()) continue;
    ProcessHeap& heap = heaps_[each.process];
    heap.live_bytes = each.slice.live_bytes;
    heap.live_blocks = each.slice.live_blocks;
    heap.peak_bytes = std::max(heap.peak_bytes, each.slice.peak_bytes);
  }
}

// What a process held when it ended, it holds no more.
void LiveProfile::forget_ended() {
  for (size_t i = 0; i < heaps_.size(); ++i) {
    ProcessHeap& heap = heaps_[i];
    const ExitKind kind = builder_.so_far().processes[i].end.kind;
    if (heap.ended || kind == ExitKind::kUnknown || kind == ExitKind::kStillRunning) continue;
    heap.ended = true;
    heap.live_bytes = heap.live_blocks = 0;
    for (const auto& [site, live] : std::exchange(heap.sites, {})) {
      sites_[site].live_bytes -= live.first;
      sites_[site].live_blocks -= live.second;
    }
  }
}

void LiveProfile::reset() {
  whole_ = {};
  buckets_.clear();
  waiting_samples_.clear();
  std::fill(node_self_.begin(), node_self_.end(), FunctionCost());
  whole_since_ns_ = static_cast<int64_t>(builder_.so_far().counter("recorded_ns"));
}

CallTree LiveProfile::tree() const {
  CallTree tree = tree_;
  for (uint32_t i = 0; i < node_self_.size(); ++i) tree.add_self(i, node_self_[i].self_ns, node_self_[i].samples);
  tree.sum_totals();
  return tree;
}

std::vector<LiveFrame> LiveProfile::path_of_site(uint32_t number) const {
  std::vector<LiveFrame> path;
  if (number >= sites_.size()) return path;
  const Recording& recording = builder_.so_far();
  uint32_t inner = sites_[number].inner;
  for (uint32_t stack = sites_[number].stack; stack < recording.stacks.size(); stack = recording.stacks[stack].parent) {
    for (const Location& location : names_.of_frame(recording.stacks[stack].frame)) {
      if (inner != 0) {
        --inner;
        continue;
      }
      path.push_back({names_.functions()[location.function].name, names_.files()[location.file], location.line});
    }
  }
  return path;
}

}  // namespace flarestack
