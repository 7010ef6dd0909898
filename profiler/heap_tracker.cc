// SPDX-License-Identifier: Apache-2.0
#include "profiler/heap_tracker.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace flarestack {
namespace {

constexpr int64_t kFirstSliceLengthNs = 100'000'000;
// What a recording may grow by each time that its length doubles: so many slices, or fewer if they are large.
constexpr uint32_t kSlicesPerDoubling = 32;
constexpr uint32_t kLargeSlicesPerDoubling = 4;
constexpr uint64_t kRecordsPerDoubling = 8192;
constexpr uint64_t kMostSliceBlocks = uint64_t{1} << 30;  // of a slice's 32-bit counts
// When so many have ended, a slice does: while the recorder writes the records of all their call paths, threads that
// end wait for their slots to be freed, and new ones take memory that was never touched.
constexpr uint32_t kMostEndedThreads = 1000;

uint32_t birth_of(int64_t time_ns) {
  return static_cast<uint32_t>(std::clamp<int64_t>(time_ns / HeapBlock::kBirthUnitNs, 0, UINT32_MAX));
}

// Adds `amount` to a whole number and what is left of it to the fraction that waits to become one.
uint64_t whole_part(double amount, double& fraction) {
  fraction += amount;
  const double whole = std::floor(fraction);
  fraction -= whole;
  return static_cast<uint64_t>(whole);
}

}  // namespace

HeapTracker::HeapTracker(ProcessId process, TraceWriter& writer, uint64_t sample_bytes, MemoryKind kind)
    : process_(process),
      writer_(writer),
      sample_bytes_(sample_bytes),
      kind_(kind),
      slice_length_ns_(kFirstSliceLengthNs) {}

size_t HeapTracker::lifetime_class(int64_t age_ns) {
  size_t result = 0;
  while (result < kLifetimeBoundsNs.size() && age_ns >= kLifetimeBoundsNs[result]) {
    ++result;
  }
  return result;
}

uint32_t HeapTracker::find_site(const SiteKey& key) {
  const auto [entry, added] = site_by_key_.try_emplace(key);
  if (added) {
    if (free_sites_.empty()) {
      free_sites_.push_back(static_cast<uint32_t>(sites_.size()));
      sites_.emplace_back();
    }
    entry->second = free_sites_.back();
    free_sites_.pop_back();
    if (sites_.size() > site_cache_.size() && site_cache_bits_ < kLargestSiteCacheBits) {
      site_cache_.assign(size_t{1} << ++site_cache_bits_, CachedSite());
    }
    Site site;
    site.origin = {{static_cast<uint32_t>(key.path >> 32)}, {static_cast<uint32_t>(key.path)}};
    site.kind = static_cast<MemoryKind>(key.kind_and_class >> 8 & 0xff);
    site.region = static_cast<uint16_t>(key.kind_and_class >> 16);
    site.size_class = static_cast<uint8_t>(key.kind_and_class);
    sites_[entry->second] = site;
  }
  return entry->second;
}

// At a slice's end, a site without a block is forgotten: its thread may have ended, and there may be any number of
// threads. In sampled mode, where counts are estimates and a site with blocks may have none by them, none is.
void HeapTracker::forget_if_empty(uint32_t site_index) {
  const Site& site = sites_[site_index];
  if (site.live_blocks != 0 || site.live_bytes != 0 || sample_bytes_ != 0) {
    return;
  }
  const SiteKey key = key_of(site.origin, site.kind, site.size_class, {site.region});
  CachedSite& cached = cached_site(key);
  if (cached.key == key) {
    cached = {};
  }
  site_by_key_.erase(key);
  free_sites_.push_back(site_index);
}

// Each byte is a sampling point with probability 1 / sample_bytes_; a block is seen if any of its bytes is one. The
// inverse of that probability is what it stands for (Horvitz and Thompson 1952), the variance of such an estimate
// (1 - p) / p^2 a block. An allocation of 0 bytes is taken for one of 1.
HeapTracker::Weight HeapTracker::weight_of(uint64_t size_bytes) const {
  Weight weight;
  const auto size = static_cast<double>(std::max<uint64_t>(size_bytes, 1));
  const double seen = -std::expm1(-size / static_cast<double>(sample_bytes_));
  weight.blocks = 1 / seen;
  weight.bytes = size_bytes == 0 ? 0 : static_cast<uint64_t>(std::llround(size / seen));
  weight.variance_blocks = (1 - seen) / (seen * seen);
  const double kib = static_cast<double>(size_bytes) / 1024;
  weight.variance_kib2 = weight.variance_blocks * kib * kib;
  return weight;
}

// A site that is about to change.
HeapTracker::Site& HeapTracker::change(uint32_t site_index) {
  Site& site = sites_[site_index];
  if (site.slice == 0) {
    site.start_bytes = site.live_bytes;
    site.start_blocks = site.live_blocks;
    site.epoch = epoch_ - 1;  // not this one, however long ago the last change was
    changed_.push_back(site_index);
    if (sample_bytes_ != 0) {
      estimates_.emplace_back();
    }
    site.slice = static_cast<uint32_t>(changed_.size());
  }
  if (!at_peak_ && site.epoch != epoch_) {
    site.epoch = epoch_;
    site.at_peak_bytes = site.live_bytes;
    site.at_peak_blocks = site.live_blocks;
  }
  return site;
}

void HeapTracker::grow(uint64_t bytes, int64_t time_ns) {
  live_bytes_ += bytes;
  if (live_bytes_ > peak_bytes_) {
    peak_bytes_ = live_bytes_;
    peak_blocks_ = live_blocks_;
    peak_time_ns_ = time_ns;
    at_peak_ = true;
  }
}

// Before the site's change: the first one behind the peak saves what was live at it. Blocks without a byte come and go
// behind it, though the total stays.
void HeapTracker::leave_peak() {
  if (at_peak_) {
    at_peak_ = false;
    ++epoch_;
  }
}

void HeapTracker::shrink(uint64_t bytes) {
  live_bytes_ -= std::min(bytes, live_bytes_);
  if (live_bytes_ < peak_bytes_ || bytes == 0) {
    leave_peak();
  }
}

void HeapTracker::settle() {
  while (resolved_ != pushed_) {
    resolve(queue_[resolved_++ % kQueueLength]);
  }
  while (settled_ != pushed_) {
    count(queue_[settled_++ % kQueueLength]);
  }
}

// Enters the block, or takes it out.
void HeapTracker::resolve(Event& event) {
  switch (event.deed) {
    case Deed::kAllocate:
      event.block.site = site_of(event.key);
      event.block.birth = birth_of(event.time_ns);
      if (!blocks_.put(event.address, event.block)) [[unlikely]] {
        event.found = blocks_.take(event.address, displaced_.emplace_back());
        blocks_.put(event.address, event.block);
      }
      break;
    case Deed::kFree:
      event.found = blocks_.take(event.address, event.block);
      break;
    case Deed::kHold:
      event.held->address = event.address;
      event.held->found = blocks_.take(event.address, event.held->block);
      return;
    case Deed::kPutBack:
      if (event.held->found) {
        blocks_.put(event.held->address, event.held->block);
      }
      return;
    case Deed::kDrop:
      event.found = event.held->found;
      event.block = event.held->block;
      break;
  }
  if (event.block.site < sites_.size()) {
    __builtin_prefetch(&sites_[event.block.site]);
    __builtin_prefetch(&sites_[event.block.site].lifetimes);
  }
}

void HeapTracker::count(const Event& event) {
  switch (event.deed) {
    case Deed::kAllocate:
      if (event.found) [[unlikely]] {
        ++unseen_frees_;
        Event unseen;
        unseen.time_ns = event.time_ns;
        remove_block(displaced_.front(), unseen);
        displaced_.pop_front();
      }
      count_allocated(event);
      break;
    case Deed::kFree:
    case Deed::kDrop:
      if (event.found) {
        remove_block(event.block, event);
      } else {
        ++unknown_frees_;
      }
      break;
    case Deed::kHold:
    case Deed::kPutBack:
      break;
  }
}

void HeapTracker::count_allocated(const Event& event) {
  uint64_t blocks = 1;
  uint64_t bytes = event.block.size_bytes;
  if (bytes == 0) {
    leave_peak();
  }
  Site& site = change(event.block.site);
  if (sample_bytes_ != 0) {
    const Weight weight = weight_of(event.block.size_bytes);
    SliceEstimates& estimates = estimates_[site.slice - 1];
    blocks = whole_part(weight.blocks, estimates.fraction);
    bytes = weight.bytes;
    ++estimates.samples;
    estimates.variance_allocations += weight.variance_blocks;
    estimates.variance_kib2 += weight.variance_kib2;
  }
  site.allocations += static_cast<uint32_t>(blocks);
  slice_blocks_ += blocks;
  site.allocated_bytes += bytes;
  site.live_bytes += static_cast<int64_t>(bytes);
  site.live_blocks += static_cast<int64_t>(blocks);
  live_blocks_ += blocks;
  grow(bytes, event.time_ns);
  if (event.regions != nullptr) {
    event.regions->allocated(blocks, bytes);
  }
}

// `event`: who freed it, and when.
void HeapTracker::remove_block(const HeapBlock& block, const Event& event) {
  if (is_inherited(block.site)) {
    ++inherited_frees_;
    return;
  }
  const uint64_t bytes = sample_bytes_ == 0 ? block.size_bytes : weight_of(block.size_bytes).bytes;
  shrink(bytes);
  Site& site = change(block.site);
  uint64_t blocks = 1;
  if (sample_bytes_ != 0) {
    blocks = whole_part(weight_of(block.size_bytes).blocks, estimates_[site.slice - 1].freed_fraction);
    const auto live = static_cast<uint64_t>(std::max<int64_t>(site.live_blocks, 0));
    // Fractions must not leave blocks without bytes behind.
    blocks = site.live_bytes <= static_cast<int64_t>(bytes) ? live : std::min(blocks, live);
  }
  const int64_t birth_ns = int64_t{block.birth} * HeapBlock::kBirthUnitNs;
  site.deallocations += static_cast<uint32_t>(blocks);
  site.deallocated_bytes += bytes;
  site.temporary += event.temporary_of && site.origin.thread == event.temporary_of ? static_cast<uint32_t>(blocks) : 0;
  site.lifetimes[lifetime_class(event.time_ns - birth_ns)] += static_cast<uint32_t>(blocks);
  site.live_bytes -= static_cast<int64_t>(bytes);
  site.live_blocks -= static_cast<int64_t>(blocks);
  live_blocks_ -= std::min(blocks, live_blocks_);
  if (event.regions != nullptr) {
    event.regions->freed(blocks, bytes);
  }
}

void HeapTracker::end_slice(int64_t now_ns, bool always) {
  settle();
  if (changed_.empty()) {
    slice_start_ns_ = now_ns;  // nothing to tell of the time up to now
    peak_time_ns_ = now_ns;
    return;
  }
  if (always || now_ns - slice_start_ns_ >= slice_length_ns_ || slice_blocks_ > kMostSliceBlocks ||
      ended_threads_ > kMostEndedThreads) {
    write_slice(now_ns);
  }
}

// Of the slice that `record` is of.
void HeapTracker::write_heap_slice(const AllocationRecord& record) {
  HeapSliceRecord slice;
  slice.process = process_;
  slice.slice_start_ns = record.slice_start_ns;
  slice.slice_length_ns = record.slice_length_ns;
  slice.peak_bytes = peak_bytes_;
  slice.peak_blocks = peak_blocks_;
  slice.peak_time_ns = peak_time_ns_;
  slice.live_bytes = live_bytes_;
  slice.live_blocks = live_blocks_;
  writer_.add(slice);
}

void HeapTracker::write_slice(int64_t end_ns) {
  AllocationRecord record;
  record.slice_start_ns = slice_start_ns_;
  record.slice_length_ns = std::max<int64_t>(end_ns - slice_start_ns_, 0);
  for (const uint32_t site_index : changed_) {
    Site& site = sites_[site_index];
    const bool saved = !at_peak_ && site.epoch == epoch_;
    record.thread = site.origin.thread;
    record.stack = site.origin.stack;
    record.kind = site.kind;
    record.size_class = site.size_class;
    record.region = {site.region};
    record.allocations = std::exchange(site.allocations, 0U);
    record.allocated_bytes = std::exchange(site.allocated_bytes, 0U);
    record.deallocations = std::exchange(site.deallocations, 0U);
    record.deallocated_bytes = std::exchange(site.deallocated_bytes, 0U);
    record.temporary = std::exchange(site.temporary, 0U);
    std::copy(site.lifetimes.begin(), site.lifetimes.end(), record.lifetimes.begin());
    site.lifetimes.fill(0);
    record.peak_bytes = (saved ? site.at_peak_bytes : site.live_bytes) - site.start_bytes;
    record.peak_blocks = (saved ? site.at_peak_blocks : site.live_blocks) - site.start_blocks;
    if (sample_bytes_ != 0) {
      const SliceEstimates& estimates = estimates_[site.slice - 1];
      record.samples = estimates.samples;
      record.variance_allocations = static_cast<uint64_t>(estimates.variance_allocations);
      record.variance_kib2 = static_cast<uint64_t>(estimates.variance_kib2);
    }
    site.slice = 0;
    writer_.add(record);
    forget_if_empty(site_index);
  }
  if (kind_ == MemoryKind::kHeap) {
    write_heap_slice(record);
  }
  blocks_.trim();

  ++slices_since_doubling_;
  records_since_doubling_ += changed_.size();
  if (slices_since_doubling_ >= kSlicesPerDoubling ||
      (slices_since_doubling_ >= kLargeSlicesPerDoubling && records_since_doubling_ > kRecordsPerDoubling)) {
    slice_length_ns_ *= 2;
    slices_since_doubling_ = 0;
    records_since_doubling_ = 0;
  }
  changed_.clear();
  estimates_.clear();
  slice_blocks_ = 0;
  ended_threads_ = 0;
  slice_start_ns_ = end_ns;
  at_peak_ = true;
  ++epoch_;
  peak_bytes_ = live_bytes_;
  peak_blocks_ = live_blocks_;
  peak_time_ns_ = end_ns;
}

}  // namespace flarestack
