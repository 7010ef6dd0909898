// SPDX-License-Identifier: Apache-2.0
#include "profiler/heap_blocks.h"

#include <new>
#include <utility>

namespace flarestack {
namespace {

constexpr uint32_t kSmallestCapacity = 4;

}  // namespace

HeapBlocks::~HeapBlocks() {
  for (const auto& [number, region] : regions_) {
    std::free(region);
  }
}

void HeapBlocks::swap(HeapBlocks& other) noexcept {
  std::swap(count_, other.count_);
  regions_.swap(other.regions_);
  large_.swap(other.large_);
  cache_.swap(other.cache_);
}

HeapBlocks::Region* HeapBlocks::make_region(uint32_t capacity) {
  void* memory = std::calloc(1, sizeof(Region) + capacity * sizeof(Entry));
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  auto* region = static_cast<Region*>(memory);
  region->mask = capacity - 1;
  return region;
}

HeapBlocks::CachedRegion& HeapBlocks::region_of(uint64_t address) {
  CachedRegion& cached = cache_[cache_index(address)];
  const uint64_t number = address >> kRegionBits;
  if (cached.number != number) [[unlikely]] {
    const auto found = regions_.find(number);
    cached = {number, found != regions_.end() ? found->second : nullptr};
  }
  return cached;
}

// In place of the one that is there, or of none.
void HeapBlocks::replace(CachedRegion& cached, Region* region) {
  regions_[cached.number] = region;
  std::free(cached.region);
  cached.region = region;
}

HeapBlocks::Entry* HeapBlocks::find(Region& region, uint32_t address_tag) {
  Entry* entries = region.entries();
  for (uint32_t at = region.home(address_tag);; at = (at + 1) & region.mask) {
    if (entries[at].tag == address_tag) {
      return &entries[at];
    }
    if (entries[at].tag == 0) {
      return nullptr;
    }
  }
}

void HeapBlocks::insert(Region& region, const Entry& entry) {
  Entry* entries = region.entries();
  uint32_t at = region.home(entry.tag);
  while (entries[at].tag != 0) {
    at = (at + 1) & region.mask;
  }
  entries[at] = entry;
  ++region.count;
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
  if (cached.region != nullptr && find(*cached.region, address_tag) != nullptr) {
    return false;
  }
  if (block.size_bytes >= kLargeBytes) {
    const bool added = large_.try_emplace(address, block).second;
    count_ += added ? 1 : 0;
    return added;
  }
  if (!large_.empty() && (address & 0xf) == 0 && large_.contains(address)) {
    return false;
  }
  if (cached.region == nullptr) {
    resize(cached, kSmallestCapacity);
  } else if (cached.region->count * 4 >= (cached.region->mask + 1) * 3) {
    resize(cached, (cached.region->mask + 1) * 2);
  }
  insert(*cached.region, {block.site, block.birth, static_cast<uint32_t>(block.size_bytes), address_tag});
  ++count_;
  return true;
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
  if (region->mask + 1 > 2 * kSmallestCapacity && region->count * 8 < region->mask + 1) {
    resize(cached, (region->mask + 1) / 2);
  }
  return true;
}

HeapBlocks HeapBlocks::with_site(uint32_t site) const {
  HeapBlocks copy;
  copy.count_ = count_;
  for (const auto& [number, region] : regions_) {
    Region* other = make_region(region->mask + 1);
    *other = *region;
    for (uint32_t i = 0; i <= region->mask; ++i) {
      other->entries()[i] = region->entries()[i];
      other->entries()[i].site = site;
    }
    copy.regions_.emplace(number, other);
  }
  for (const auto& [address, block] : large_) {
    copy.large_.emplace(address, HeapBlock{site, block.birth, block.size_bytes});
  }
  return copy;
}

void HeapBlocks::trim() {
  cache_.fill({});
  for (auto region = regions_.begin(); region != regions_.end();) {
    if (region->second->count == 0) {
      std::free(region->second);
      regions_.erase(region++);
    } else {
      ++region;
    }
  }
}

}  // namespace flarestack
