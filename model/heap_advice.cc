// SPDX-License-Identifier: Apache-2.0
#include "model/heap_advice.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "model/heap_sites.h"
#include "model/share.h"

namespace flarestack {
namespace {

constexpr uint64_t kFewestSamples = 10;
constexpr uint64_t kFewestTemporary = 10'000;
constexpr uint64_t kFewestGrown = 1'000;
constexpr int kFewestGrownClasses = 3;
constexpr uint64_t kFewestTiny = 100'000;
constexpr uint64_t kSmallestPeakBytes = 1 << 20;
constexpr uint64_t kSmallestOverheadBytes = 16 << 20;
constexpr size_t kThreadsOfArenas = 4;

struct Totals {
  const HeapSummary& summary;
  bool enough_samples(uint64_t samples) const {
    return summary.mode != HeapMode::kSampled || samples >= kFewestSamples;
  }
};

HeapAdvice advice_of(AdviceKind kind, const HeapSite& site, double weight) {
  HeapAdvice advice;
  advice.kind = kind;
  advice.weight = std::min(weight, 1.0);
  advice.path = site.path;
  return advice;
}

std::optional<HeapAdvice> advise_growth(const HeapSite& site, const Totals& totals) {
  const double of_allocations = share(site.grown_allocations, totals.summary.allocations);
  const double of_bytes = share(site.grown_bytes, totals.summary.allocated_bytes);
  if (site.growth == GrowthKind::kNone || site.grown_allocations < kFewestGrown ||
      site.grown_classes() < kFewestGrownClasses || std::max(of_allocations, of_bytes) < 0.05 ||
      !totals.enough_samples(site.grown_samples))
    return std::nullopt;
  HeapAdvice advice = advice_of(AdviceKind::kGrowth, site, std::max(of_allocations, of_bytes));
  advice.allocations = site.grown_allocations;
  advice.bytes = site.grown_bytes;
  const char* what = site.growth == GrowthKind::kVector   ? "vectors"
                     : site.growth == GrowthKind::kString ? "strings"
                     : site.growth == GrowthKind::kDeque  ? "deques"
                                                          : "buffers";
  advice.matter =
      fmt::format("{} grow here by reallocation: {} times, up to {}; {} of all allocations, {} of all bytes", what,
                  format_count(site.grown_allocations), format_bytes(site.greatest_grown_bytes),
                  format_percent(site.grown_allocations, totals.summary.allocations),
                  format_percent(site.grown_bytes, totals.summary.allocated_bytes));
  advice.remedy = site.growth == GrowthKind::kVector
                      ? "reserve() the size that will be needed before filling them, or keep one and clear() it"
                  : site.growth == GrowthKind::kString
                      ? "reserve() the length that will be needed, or append to one string that is kept"
                  : site.growth == GrowthKind::kDeque ? "keep the deque between uses, or use a ring of fixed size"
                                                      : "ask for the final size at once, or double the size each time";
  return advice;
}

std::optional<HeapAdvice> advise_temporary(const HeapSite& site, const Totals& totals) {
  if (site.temporary < kFewestTemporary || 10 * site.temporary < 9 * site.allocations ||
      share(site.temporary, totals.summary.allocations) < 0.05 || !totals.enough_samples(site.samples))
    return std::nullopt;
  HeapAdvice advice = advice_of(AdviceKind::kTemporary, site, share(site.temporary, totals.summary.allocations));
  advice.allocations = site.allocations;
  advice.bytes = site.allocated_bytes;
  advice.matter = fmt::format(
      "{} allocations ({} of all) of {} on average, {} of them freed before the thread's next one",
      format_count(site.allocations), format_percent(site.allocations, totals.summary.allocations),
      format_bytes(site.allocated_bytes / site.allocations), format_percent(site.temporary, site.allocations));
  advice.remedy = "use the stack, or one buffer that is kept from call to call (a member, or an argument)";
  return advice;
}

std::optional<HeapAdvice> advise_tiny(const HeapSite& site, const Totals& totals) {
  if (site.tiny_allocations < kFewestTiny || 2 * site.tiny_temporary > site.tiny_allocations ||
      share(site.tiny_allocations, totals.summary.allocations) < 0.1 || !totals.enough_samples(site.samples))
    return std::nullopt;
  HeapAdvice advice = advice_of(AdviceKind::kTiny, site, share(site.tiny_allocations, totals.summary.allocations));
  advice.allocations = site.tiny_allocations;
  advice.bytes = site.tiny_bytes;
  advice.matter = fmt::format(
      "{} blocks of {} on average ({} of all allocations), each with at least 8 bytes of the allocator's own",
      format_count(site.tiny_allocations), format_bytes(site.tiny_bytes / site.tiny_allocations),
      format_percent(site.tiny_allocations, totals.summary.allocations));
  advice.remedy = "hold them by value, or take them from a pool or an arena (std::pmr::monotonic_buffer_resource)";
  return advice;
}

std::optional<HeapAdvice> advise_peak(const HeapSite& site, const Totals& totals) {
  const uint64_t peak_bytes = totals.summary.peak_bytes;
  if (peak_bytes < kSmallestPeakBytes || 4 * site.peak_bytes < peak_bytes || !totals.enough_samples(site.samples))
    return std::nullopt;
  HeapAdvice advice = advice_of(AdviceKind::kPeak, site, share(site.peak_bytes, peak_bytes));
  advice.allocations = site.peak_blocks;
  advice.bytes = site.peak_bytes;
  advice.matter = fmt::format("{} of the heap's peak of {} is held from here: {} in {} blocks",
                              format_percent(site.peak_bytes, peak_bytes), format_bytes(peak_bytes),
                              format_bytes(site.peak_bytes), format_count(site.peak_blocks));
  advice.remedy = "the peak falls with what is kept here: free it earlier, load it in parts, or store it smaller";
  return advice;
}

std::optional<HeapAdvice> advise_overhead(const Profile& profile, const HeapSummary& summary) {
  const MemoryUse& memory = summary.memory;
  const MemoryRecord& peak = memory.peak.memory;
  const uint64_t overhead_bytes = memory.allocator_overhead_bytes;
  if (!memory.known || overhead_bytes < kSmallestOverheadBytes || 2 * overhead_bytes < peak.heap_live_bytes)
    return std::nullopt;
  std::set<uint32_t> threads;
  for (const HeapCell& cell : profile.heap.cells) {
    const bool of_process = profile.recording.process_of_thread(cell.thread) == memory.peak.process;
    if (cell.kind == MemoryKind::kHeap && of_process && cell.allocations != 0) threads.insert(cell.thread);
  }
  HeapAdvice advice;
  advice.kind = AdviceKind::kOverhead;
  advice.weight = std::min(share(overhead_bytes, peak.rss_bytes), 1.0);
  advice.bytes = overhead_bytes;
  advice.matter = fmt::format(
      "at {} the allocator held {} of memory for {} of live blocks: {} of the {} resident are its caches and "
      "fragmentation",
      format_duration(static_cast<uint64_t>(std::max<int64_t>(peak.time_ns, 0))), format_bytes(peak.allocator_bytes),
      format_bytes(peak.heap_live_bytes), format_bytes(overhead_bytes), format_bytes(peak.rss_bytes));
  advice.remedy = threads.size() >= kThreadsOfArenas
                      ? fmt::format(
                            "{} threads allocate, and glibc keeps an arena for each: try MALLOC_ARENA_MAX=2, "
                            "or jemalloc, or malloc_trim(0) after a phase that frees much",
                            threads.size())
                      : "call malloc_trim(0) after a phase that frees much, or try jemalloc; blocks that live long "
                        "among short-lived ones pin whole pages";
  return advice;
}

}  // namespace

const char* advice_kind_name(AdviceKind kind) {
  switch (kind) {
    case AdviceKind::kTemporary:
      return "temporary";
    case AdviceKind::kGrowth:
      return "growth";
    case AdviceKind::kTiny:
      return "tiny";
    case AdviceKind::kPeak:
      return "peak";
    case AdviceKind::kOverhead:
      return "overhead";
  }
  return "unknown";
}

bool may_have_advice(const HeapSummary& summary) {
  return summary.allocations >= kFewestGrown || summary.peak_bytes >= kSmallestPeakBytes ||
         summary.memory.allocator_overhead_bytes >= kSmallestOverheadBytes;
}

std::vector<HeapAdvice> heap_advice(const Profile& profile, const HeapSummary& summary) {
  const Totals totals{summary};
  std::vector<HeapAdvice> advice;
  const auto add = [&advice](std::optional<HeapAdvice> each) {
    if (each) advice.push_back(std::move(*each));
    return each.has_value();
  };
  for (const HeapSite& site : heap_sites(profile)) {
    // One matter has one cause: what grows is temporary too, and often tiny at first.
    if (!add(advise_growth(site, totals)) && !add(advise_temporary(site, totals))) add(advise_tiny(site, totals));
    add(advise_peak(site, totals));
  }
  add(advise_overhead(profile, summary));
  std::stable_sort(advice.begin(), advice.end(),
                   [](const HeapAdvice& a, const HeapAdvice& b) { return a.weight > b.weight; });
  return advice;
}

}  // namespace flarestack
