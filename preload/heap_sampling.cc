// SPDX-License-Identifier: Apache-2.0
// Nearly every deallocation is of a block that was not sampled, and must find that out for a nanosecond: a filter of
// byte counters, small enough for the first-level cache, says no to most. The set behind it has buckets of a cache line
// and no chains, so that entries come and go without a lock.
#include "preload/heap_sampling.h"

#include <sys/syscall.h>

#include <atomic>

#include "preload/system.h"

namespace flarestack::agent {
namespace {

constexpr uint32_t kFilterBits = 14;
constexpr uint32_t kBucketBits = 13;
constexpr uint32_t kWays = 8;
constexpr uint32_t kBucketsProbed = 2;
constexpr uint8_t kSaturated = 255;  // stays

struct SampledBlocks {
  std::atomic<uint8_t> filter[1U << kFilterBits];
  alignas(64) std::atomic<uint64_t> buckets[1U << kBucketBits][kWays];
};

constinit SampledBlocks* sampled = nullptr;
constinit uint64_t mean_bytes = 0;

uint64_t hash_of(uint64_t block) { return (block >> 4 ^ block << 52) * 0x9E3779B97F4A7C15; }
std::atomic<uint8_t>& filter_of(uint64_t hash) { return sampled->filter[hash >> (64 - kFilterBits)]; }
std::atomic<uint64_t>* bucket_of(uint64_t hash, uint32_t probe) {
  return sampled->buckets[((hash >> 20) + probe) & ((1U << kBucketBits) - 1)];
}

// Natural logarithm of a number in (0, 1], to 1e-7: ln(m) = 2 artanh((m - 1) / (m + 1)) for the mantissa.
double logarithm(double number) {
  uint64_t bits;
  __builtin_memcpy(&bits, &number, sizeof(bits));
  const auto exponent = static_cast<int32_t>(bits >> 52 & 0x7ff) - 1023;
  bits = (bits & ((uint64_t{1} << 52) - 1)) | uint64_t{1023} << 52;
  double mantissa;
  __builtin_memcpy(&mantissa, &bits, sizeof(mantissa));
  const double z = (mantissa - 1) / (mantissa + 1);
  const double z2 = z * z;
  const double series = 1 + z2 * (1.0 / 3 + z2 * (1.0 / 5 + z2 * (1.0 / 7 + z2 * (1.0 / 9 + z2 * (1.0 / 11)))));
  constexpr double kLn2 = 0.69314718055994530942;
  return 2 * z * series + exponent * kLn2;
}

}  // namespace

bool may_be_sampled(uint64_t block) { return filter_of(hash_of(block)).load(std::memory_order_acquire) != 0; }

bool start_heap_sampling(uint64_t sample_bytes) {
  mean_bytes = sample_bytes;
  if (sampled == nullptr) {
    sampled = static_cast<SampledBlocks*>(map_memory(sizeof(SampledBlocks)));
    return sampled != nullptr;
  }
  // A fork's child: what it has from its parent was sampled there.
  for (auto& counter : sampled->filter) {
    counter.store(0, std::memory_order_relaxed);
  }
  for (auto& bucket : sampled->buckets) {
    for (auto& entry : bucket) {
      if (entry.load(std::memory_order_relaxed) != 0) {
        entry.store(0, std::memory_order_relaxed);
      }
    }
  }
  return true;
}

int64_t next_sample_distance(HeapThread& heap) {
  if (heap.random == 0) {
    // Threads and runs differ in the time.
    heap.random = ((clock_ns(CLOCK_MONOTONIC) * 0x9E3779B97F4A7C15) ^ reinterpret_cast<uint64_t>(&heap)) | 1;
  }
  // xorshift64* (Vigna 2016).
  heap.random ^= heap.random >> 12;
  heap.random ^= heap.random << 25;
  heap.random ^= heap.random >> 27;
  const uint64_t random = heap.random * 0x2545F4914F6CDD1D;
  const double uniform = (static_cast<double>(random >> 12) + 0.5) * 0x1p-52;
  const double distance = -logarithm(uniform) * static_cast<double>(mean_bytes);
  return static_cast<int64_t>(distance);
}

bool enter_sampled(uint64_t block) {
  const uint64_t hash = hash_of(block);
  for (uint32_t probe = 0; probe < kBucketsProbed; ++probe) {
    std::atomic<uint64_t>* bucket = bucket_of(hash, probe);
    for (uint32_t way = 0; way < kWays; ++way) {
      uint64_t expected = 0;
      if (bucket[way].load(std::memory_order_relaxed) == 0 &&
          bucket[way].compare_exchange_strong(expected, block, std::memory_order_acq_rel)) {
        std::atomic<uint8_t>& counter = filter_of(hash);
        uint8_t count = counter.load(std::memory_order_relaxed);
        while (count != kSaturated &&
               !counter.compare_exchange_weak(count, static_cast<uint8_t>(count + 1), std::memory_order_acq_rel)) {
        }
        return true;
      }
    }
  }
  return false;
}

bool leave_sampled(uint64_t block) {
  const uint64_t hash = hash_of(block);
  std::atomic<uint8_t>& counter = filter_of(hash);
  if (counter.load(std::memory_order_acquire) == 0) [[likely]] {
    return false;
  }
  for (uint32_t probe = 0; probe < kBucketsProbed; ++probe) {
    std::atomic<uint64_t>* bucket = bucket_of(hash, probe);
    for (uint32_t way = 0; way < kWays; ++way) {
      if (bucket[way].load(std::memory_order_relaxed) == block) {
        bucket[way].store(0, std::memory_order_release);
        uint8_t count = counter.load(std::memory_order_relaxed);
        while (count != kSaturated && count != 0 &&
               !counter.compare_exchange_weak(count, static_cast<uint8_t>(count - 1), std::memory_order_acq_rel)) {
        }
        return true;
      }
    }
  }
  return false;
}

}  // namespace flarestack::agent
