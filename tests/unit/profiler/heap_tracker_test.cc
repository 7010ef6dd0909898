// SPDX-License-Identifier: Apache-2.0
// HeapTracker against a model that keeps everything, slice by slice.
#include "profiler/heap_tracker.h"

#include <sys/mman.h>

#include <bit>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "trace/reader.h"

namespace flarestack::test {
namespace {

using SiteName = std::tuple<uint32_t, uint32_t, uint32_t>;  // thread, stack, size class

struct Live {
  int64_t blocks = 0;
  int64_t bytes = 0;
  bool operator==(const Live&) const = default;
};
using LiveBySite = std::map<SiteName, Live>;

struct Counts {
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t deallocations = 0;
  uint64_t deallocated_bytes = 0;
  Live peak;  // live at the slice's peak, less what was live at its start
  bool operator==(const Counts&) const = default;
};

struct Slice {
  std::map<SiteName, Counts> sites;
  int64_t peak_bytes = 0;
  int64_t live_bytes = 0;
};

class Model {
 public:
  void allocate(HeapTracker::Origin origin, uint64_t block, uint64_t size_bytes) {
    const SiteName site{origin.thread.value, origin.stack.value, std::bit_width(size_bytes)};
    blocks_[block] = {site, size_bytes};
    slice_.sites[site].allocations += 1;
    slice_.sites[site].allocated_bytes += size_bytes;
    change(site, 1, static_cast<int64_t>(size_bytes));
  }
  void free(uint64_t block) {
    const auto [site, size_bytes] = blocks_.at(block);
    blocks_.erase(block);
    slice_.sites[site].deallocations += 1;
    slice_.sites[site].deallocated_bytes += size_bytes;
    change(site, -1, -static_cast<int64_t>(size_bytes));
  }
  Slice end_slice() {
    Slice result = std::exchange(slice_, {});
    for (auto& [site, counts] : result.sites) {
      counts.peak = {at_peak_[site].blocks - at_start_[site].blocks, at_peak_[site].bytes - at_start_[site].bytes};
    }
    result.live_bytes = total_;
    at_start_ = at_peak_ = live_;
    slice_.peak_bytes = total_;
    return result;
  }
  size_t block_count() const { return blocks_.size(); }
  uint64_t any_block(uint64_t random) const {
    const auto after = blocks_.lower_bound(random);
    return after != blocks_.end() ? after->first : blocks_.begin()->first;
  }

 private:
  void change(const SiteName& site, int64_t blocks, int64_t bytes) {
    live_[site].blocks += blocks;
    live_[site].bytes += bytes;
    total_ += bytes;
    if (total_ > slice_.peak_bytes) {
      slice_.peak_bytes = total_;
      at_peak_ = live_;
    }
  }

  std::map<uint64_t, std::pair<SiteName, uint64_t>> blocks_;
  LiveBySite live_, at_start_, at_peak_;
  int64_t total_ = 0;
  Slice slice_;
};

std::vector<Slice> read_slices(const std::string& path) {
  Result<TraceReader> reader = TraceReader::open(path);
  REQUIRE(reader.ok());
  // A slice's allocation records may come before or behind its own record: told apart by their time.
  std::map<int64_t, Slice> slices;
  while (const std::optional<TraceRecord> record = reader->next()) {
    if (const auto* site = std::get_if<AllocationRecord>(&*record)) {
      Counts& counts = slices[site->slice_start_ns].sites[{site->thread.value, site->stack.value, site->size_class}];
      REQUIRE(counts == Counts{});
      counts = {site->allocations,
                site->allocated_bytes,
                site->deallocations,
                site->deallocated_bytes,
                {site->peak_blocks, site->peak_bytes}};
    } else if (const auto* slice = std::get_if<HeapSliceRecord>(&*record)) {
      slices[slice->slice_start_ns].peak_bytes = static_cast<int64_t>(slice->peak_bytes);
      slices[slice->slice_start_ns].live_bytes = static_cast<int64_t>(slice->live_bytes);
    }
  }
  std::vector<Slice> result;
  for (auto& [start_ns, slice] : slices) {
    result.push_back(std::move(slice));
  }
  return result;
}

}  // namespace

TEST_CASE("each slice tells what happened in it, while sites empty and threads come and go") {
  const Fd file(memfd_create("trace", MFD_CLOEXEC));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  std::vector<Slice> expected;
  {
    Result<TraceWriter> writer = TraceWriter::create(path);
    REQUIRE(writer.ok());
    HeapTracker tracker({1}, *writer, 0);
    Model model;
    std::mt19937_64 random(7);
    HeapTracker::Held held;
    for (int64_t slice = 0; slice < 40; ++slice) {
      // Some slices only free, so that every site is empty at the end of one of them.
      const unsigned allocations_in_16 = slice % 10 == 9 ? 0 : 4 + slice % 9;
      for (int event = 0; event < 800; ++event) {
        const int64_t time_ns = slice * 1'000'000'000 + event;
        if (random() % 16 < allocations_in_16) {
          const HeapTracker::Origin origin{{static_cast<uint32_t>(slice * 3 + random() % 8)},
                                           {static_cast<uint32_t>(random() % 40)}};
          const uint64_t block = 0x7f0000000000 + static_cast<uint64_t>(slice * 800 + event) * 48;
          const uint64_t size_bytes = random() % 5 == 0 ? 0 : random() % 100;
          tracker.allocate(origin, block, size_bytes, time_ns);
          model.allocate(origin, block, size_bytes);
        } else if (model.block_count() != 0) {
          const uint64_t block = model.any_block(0x7f0000000000 + random() % 32'000 * 48);
          if (random() % 4 == 0) {
            tracker.hold(block, held);
            tracker.drop(held, {}, time_ns);
            tracker.settle();  // `held` is reused
          } else {
            tracker.free(block, {}, time_ns);
          }
          model.free(block);
        }
      }
      tracker.end_slice((slice + 1) * 1'000'000'000, true);
      expected.push_back(model.end_slice());
      REQUIRE(tracker.live_block_count() == model.block_count());
    }
    CHECK(tracker.unknown_frees() == 0);
    REQUIRE(writer->flush().ok());
  }
  const std::vector<Slice> slices = read_slices(path);
  REQUIRE(slices.size() == expected.size());
  for (size_t i = 0; i < slices.size(); ++i) {
    CAPTURE(i);
    CHECK(slices[i].peak_bytes == expected[i].peak_bytes);
    CHECK(slices[i].live_bytes == expected[i].live_bytes);
    CHECK((slices[i].sites == expected[i].sites));
  }
}

}  // namespace flarestack::test
