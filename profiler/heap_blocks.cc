// SPDX-License-Identifier: Apache-2.0
#include "profiler/heap_blocks.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <new>
#include <utility>

#include "profiler/block_index.h"
#include "profiler/run_on_threads.h"

namespace flarestack {
namespace {

constexpr uint32_t kSmallestCapacity = 4;  // more than 1: the shift must be below 32

bool is_before(const ScannedBlock& a, const ScannedBlock& b) { return a.address < b.address; }

}  // namespace

HeapBlocks::~HeapBlocks() {
  for (const auto& [number, region] : regions_) {
    std::free(region);
  }
}

void HeapBlocks::swap(HeapBlocks& other) noexcept {
  std::swap(count_, other.count_);
  std::swap(most_since_trim_, other.most_since_trim_);
  regions_.swap(other.regions_);
  large_.swap(other.large_);
  cache_.swap(other.cache_);
  used_regions_.swap(other.used_regions_);
  used_spans_.swap(other.used_spans_);
}

// Of a block that is the first in its region, reaches beyond it, or is large.
void HeapBlocks::note_use(uint64_t address, uint64_t size_bytes) {
  const unsigned bits = size_bytes >> kSpanBits != 0 ? kSpanBits : kRegionBits;
  for (uint64_t number = address >> bits; number <= (address + size_bytes) >> bits; ++number) {
    (bits == kSpanBits ? used_spans_ : used_regions_).insert(number);
  }
}

ScannedBlocks HeapBlocks::sorted(unsigned threads) const {
  // Where the blocks of each region go: large ones are in their region's part, too.
  std::vector<std::pair<uint64_t, size_t>> parts;  // number, and first how many, then the index of the first
  parts.reserve(regions_.size() + large_.size());
  for (const auto& [number, region] : regions_) {
    parts.emplace_back(number, region->count);
  }
  ScannedBlocks large;
  for (const auto& [address, block] : large_) {
    large.push_back({address, block.size_bytes, block.site, block.birth});
    parts.emplace_back(address >> kRegionBits, 1);
  }
  std::sort(large.begin(), large.end(), is_before);
  std::sort(parts.begin(), parts.end());
  size_t total = 0;
  size_t last = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t count = parts[i].second;
    if (i != 0 && parts[i].first == parts[last - 1].first) {
      total += count;
      continue;
    }
    parts[last++] = {parts[i].first, total};
    total += count;
  }
  parts.resize(last);

  ScannedBlocks blocks(total);
  std::atomic<size_t> next{0};
  const auto gather = [&] {
    constexpr size_t kAtATime = 64;
    for (size_t first = next.fetch_add(kAtATime); first < parts.size(); first = next.fetch_add(kAtATime)) {
      for (size_t i = first; i < std::min(first + kAtATime, parts.size()); ++i) {
        const uint64_t number = parts[i].first;
        ScannedBlock* const begin = blocks.data() + parts[i].second;
        ScannedBlock* to = begin;
        const auto found = regions_.find(number);
        for (uint32_t at = 0; found != regions_.end() && at <= found->second->mask; ++at) {
          const Entry& entry = found->second->entries()[at];
          if (entry.tag != 0) {
            *to++ = {number << kRegionBits | (entry.tag & ~kUsed), entry.size_bytes, entry.site, entry.birth};
          }
        }
        auto of_region = large.begin() + first_block_from(large, number << kRegionBits);
        for (; of_region != large.end() && of_region->address >> kRegionBits == number; ++of_region) {
          *to++ = *of_region;
        }
        sort_region(begin, to, number << kRegionBits);
      }
    }
  };
  run_on_threads(threads, gather);
  return blocks;
}

// Blocks of the region at `start`, ascending by address: each goes where as many are before it. No two have an address.
void HeapBlocks::sort_region(ScannedBlock* begin, ScannedBlock* end, uint64_t start) {
  constexpr unsigned kStepBytes = 8;  // no allocator aligns to less; others than the known are sorted otherwise
  constexpr size_t kWords = (size_t{1} << kRegionBits) / kStepBytes / 64;
  std::array<uint64_t, kWords> present{};
  std::array<uint16_t, kWords> before{};  // each word
  std::array<ScannedBlock, 1024> copies;  // glibc has no more in a region
  bool is_aligned = static_cast<size_t>(end - begin) <= copies.size();
  for (const ScannedBlock* block = begin; block != end; ++block) {
    const uint64_t step = (block->address - start) / kStepBytes;
    present[step / 64] |= uint64_t{1} << step % 64;
    is_aligned = is_aligned && block->address % kStepBytes == 0;
  }
  if (!is_aligned) {
    std::sort(begin, end, is_before);
    return;
  }
  std::copy(begin, end, copies.begin());
  for (size_t i = 1; i < kWords; ++i) {
    before[i] = static_cast<uint16_t>(before[i - 1] + std::popcount(present[i - 1]));
  }
  for (const ScannedBlock* block = copies.data(); block != copies.data() + (end - begin); ++block) {
    const uint64_t step = (block->address - start) / kStepBytes;
    const uint64_t lower = present[step / 64] & ((uint64_t{1} << step % 64) - 1);
    begin[before[step / 64] + std::popcount(lower)] = *block;
  }
}

std::vector<std::pair<uint64_t, uint64_t>> HeapBlocks::used_ranges() const {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const uint64_t number : used_regions_) {
    ranges.emplace_back(number << kRegionBits, (number + 1) << kRegionBits);
  }
  for (const uint64_t number : used_spans_) {
    ranges.emplace_back(number << kSpanBits, (number + 1) << kSpanBits);
  }
  std::sort(ranges.begin(), ranges.end());
  std::vector<std::pair<uint64_t, uint64_t>> merged;
  for (const auto& [start, end] : ranges) {
    if (!merged.empty() && start <= merged.back().second) {
      merged.back().second = std::max(merged.back().second, end);
    } else {
      merged.emplace_back(start, end);
    }
  }
  return merged;
}

HeapBlocks::Region* HeapBlocks::make_region(uint32_t capacity) {
  void* memory = std::calloc(1, sizeof(Region) + capacity * sizeof(Entry));
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  auto* region = static_cast<Region*>(memory);
  region->mask = capacity - 1;
  region->shift = static_cast<uint16_t>(32 - std::bit_width(capacity - 1));
  return region;
}

HeapBlocks::CachedRegion& HeapBlocks::region_of(uint64_t address) {
  CachedRegion& cached = cache_[cache_index(address)];
  const uint64_t number = address >> kRegionBits;
  if (cached.number != number) [[unlikely]] {
    const auto found = regions_.find(number);
    Region* region = found != regions_.end() ? found->second : nullptr;
    cached = {number, region, region != nullptr ? region->shift : 0U};
  }
  return cached;
}

// In place of the one that is there, or of none.
void HeapBlocks::replace(CachedRegion& cached, Region* region) {
  regions_[cached.number] = region;
  std::free(cached.region);
  cached.region = region;
  cached.shift = region->shift;
}

HeapBlocks::Entry* HeapBlocks::find(Region& region, uint32_t address_tag) {
  Entry* entries = region.entries();
  for (uint32_t at = region.home(address_tag); entries[at].tag != 0; at = (at + 1) & region.mask) {
    if (entries[at].tag == address_tag) {
      return &entries[at];
    }
  }
  return nullptr;
}

// false: there is one of this tag. There is an empty place.
bool HeapBlocks::insert(Region& region, const Entry& entry) {
  Entry* entries = region.entries();
  uint32_t at = region.home(entry.tag);
  for (; entries[at].tag != 0; at = (at + 1) & region.mask) {
    if (entries[at].tag == entry.tag) {
      return false;
    }
  }
  entries[at] = entry;
  ++region.count;
  return true;
}

void HeapBlocks::resize(CachedRegion& cached, uint32_t capacity) {
  Region* larger = make_region(capacity);
  if (cached.region != nullptr) {
    for (uint32_t i = 0; i <= cached.region->mask; ++i) {
      if (cached.region->entries()[i].tag != 0) {
        insert(*larger, cached.region->entries()[i]);
      }
    }
  }
  replace(cached, larger);
}

bool HeapBlocks::put(uint64_t address, const HeapBlock& block) {
  CachedRegion& cached = region_of(address);
  const uint32_t address_tag = tag(address);
  bool added;
  if (block.size_bytes >= kLargeBytes) [[unlikely]] {
    added = (cached.region == nullptr || find(*cached.region, address_tag) == nullptr) &&
            large_.try_emplace(address, block).second;
    note_use(address, block.size_bytes);
  } else if (!large_.empty() && large_.contains(address)) {
    added = false;
  } else {
    if (cached.region == nullptr) [[unlikely]] {
      resize(cached, kSmallestCapacity);
      note_use(address, block.size_bytes);
    } else if (cached.region->count * 3 >= (cached.region->mask + 1) * 2) [[unlikely]] {
      resize(cached, (cached.region->mask + 1U) * 2);
    }
    if ((address & ((1U << kRegionBits) - 1)) + block.size_bytes > 1U << kRegionBits) [[unlikely]] {
      note_use(address, block.size_bytes);  // it reaches into the next region
    }
    added = insert(*cached.region, {block.site, block.birth, static_cast<uint32_t>(block.size_bytes), address_tag});
  }
  count_ += added ? 1 : 0;
  return added;
}

bool HeapBlocks::take(uint64_t address, HeapBlock& block) {
  CachedRegion& cached = region_of(address);
  Region* region = cached.region;
  Entry* entry = region != nullptr ? find(*region, tag(address)) : nullptr;
  if (entry == nullptr) {
    const auto found = large_.find(address);
    if (found == large_.end()) {
      return false;
    }
    block = found->second;
    large_.erase(found);
    --count_;
    return true;
  }
  block = {entry->site, entry->birth, entry->size_bytes};
  // Entries behind it move up where their home is not behind the gap (Knuth, volume 3, 6.4, algorithm R).
  Entry* entries = region->entries();
  auto gap = static_cast<uint32_t>(entry - entries);
  for (uint32_t at = (gap + 1) & region->mask; entries[at].tag != 0; at = (at + 1) & region->mask) {
    const uint32_t home = region->home(entries[at].tag);
    if (((at - home) & region->mask) >= ((at - gap) & region->mask)) {
      entries[gap] = entries[at];
      gap = at;
    }
  }
  entries[gap].tag = 0;
  --region->count;
  --count_;
  return true;
}

HeapBlocks HeapBlocks::copy(const std::function<uint32_t(uint32_t site)>& renamed) const {
  HeapBlocks result;
  result.count_ = count_;
  result.used_regions_ = used_regions_;
  result.used_spans_ = used_spans_;
  for (const auto& [number, region] : regions_) {
    Region* other = make_region(region->mask + 1);
    *other = *region;
    for (uint32_t i = 0; i <= region->mask; ++i) {
      other->entries()[i] = region->entries()[i];
      other->entries()[i].site = renamed(region->entries()[i].site);
    }
    result.regions_.emplace(number, other);
  }
  for (const auto& [address, block] : large_) {
    result.large_.emplace(address, HeapBlock{renamed(block.site), block.birth, block.size_bytes});
  }
  return result;
}

void HeapBlocks::trim() {
  most_since_trim_ = std::max(most_since_trim_, count_);
  size_t cache_size = cache_.size();
  while (cache_size < regions_.size() && cache_size < size_t{1} << kLargestCacheBits) {
    cache_size *= 2;
  }
  if (cache_size != cache_.size()) {
    cache_ = std::vector<CachedRegion>(cache_size);
  }
  if (count_ > most_since_trim_ / 2) {
    return;
  }
  most_since_trim_ = count_;
  std::fill(cache_.begin(), cache_.end(), CachedRegion{});
  for (auto at = regions_.begin(); at != regions_.end();) {
    const auto here = at++;
    Region* region = here->second;
    if (region->count == 0) {
      std::free(region);
      regions_.erase(here);
    } else if (region->mask + 1U > kSmallestCapacity && region->count * 8U < region->mask + 1U) {
      CachedRegion whole{here->first, region, region->shift};
      uint32_t capacity = region->mask + 1;
      while (capacity > kSmallestCapacity && region->count * 4 < capacity) {
        capacity /= 2;
      }
      resize(whole, capacity);
    }
  }
}

}  // namespace flarestack
