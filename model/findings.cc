// SPDX-License-Identifier: Apache-2.0
#include "model/findings.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/heap_advice.h"
#include "model/heap_growth.h"
#include "model/heap_summary.h"
#include "model/share.h"
#include "model/time_findings.h"

namespace flarestack {
namespace {

constexpr uint64_t kLargeLeakBytes = uint64_t{1} << 20;  // worth a word whatever the peak
constexpr uint64_t kSmallestPeakBytes = uint64_t{16} << 20;
constexpr size_t kMostPlaces = 16;
// Each has its code disassembled and every instruction symbolized.
constexpr size_t kMostExplained = 3;

bool is_same_function(const Profile& a, uint32_t location_a, const Profile& b, uint32_t location_b) {
  const Function& one = a.functions[a.locations[location_a].function];
  const Function& other = b.functions[b.locations[location_b].function];
  return one.name == other.name && one.module == other.module;
}

class MemoryFinder {
 public:
  MemoryFinder(const Profile& profile, const LeakOptions& leaks, Findings& findings)
      : profile_(profile), leaks_(leaks), findings_(findings), summary_(summarize_heap(profile)) {}

  void run() {
    std::vector<HeapAdvice> held;
    for (HeapAdvice& advice : heap_advice(profile_, summary_)) {
      if (advice.kind == AdviceKind::kPeak) {
        held.push_back(std::move(advice));
      } else if (advice.kind == AdviceKind::kOverhead) {
        tell_overhead(advice);
      } else {
        tell_allocations(advice);
      }
    }
    if (!held.empty() && summary_.peak_bytes >= kSmallestPeakBytes) tell_peak(held);
    tell_growth();
    tell_leaks();
  }

 private:
  Finding finding(const char* id, const std::string& title, double share) const {
    Finding finding;
    finding.id = id;
    finding.title = title;
    finding.profile = &profile_;
    finding.gain = FindingGain::kMemory;
    finding.confidence = summary_.mode == HeapMode::kExact ? Confidence::kSure : Confidence::kLikely;
    finding.share = finding.win = std::min(share, 1.0);
    return finding;
  }

  void add(Finding&& finding) {
    if (finding.share >= findings_.threshold) findings_.list.push_back(std::move(finding));
  }

  void tell_overhead(const HeapAdvice& advice) {
    Finding one = finding("memory.overhead", "the allocator's caches and fragmentation", advice.weight);
    one.amount = advice.bytes;
    one.why = advice.matter;
    one.remedy = advice.remedy;
    add(std::move(one));
  }

  // `held`: by weight, of call paths that each hold much of it.
  void tell_peak(const std::vector<HeapAdvice>& held) {
    Finding one = finding("memory.peak", "the heap's peak", 0);
    one.confidence = Confidence::kPossible;  // what is held may be needed
    for (const HeapAdvice& advice : held) {
      one.amount += advice.bytes;
      one.places.push_back({advice.path, advice.bytes, {}, {}, {}});
    }
    one.share = one.win = std::min(1.0, share(one.amount, summary_.peak_bytes));
    one.why = fmt::format("{} of the peak of {} is held from {}", format_percent(one.amount, summary_.peak_bytes),
                          format_bytes(summary_.peak_bytes), held.size() == 1 ? "one place" : "few places");
    one.remedy = held.front().remedy;
    add(std::move(one));
  }

  // What is said of allocations explains the time that allocating takes.
  void tell_allocations(const HeapAdvice& advice) {
    const auto allocation = std::find_if(findings_.list.begin(), findings_.list.end(),
                                         [](const Finding& one) { return one.id == "cpu.allocation"; });
    if (allocation == findings_.list.end()) {
      // Nobody knows what allocating costs, or it is nothing.
      if (findings_.has_time) return;
      Finding one = finding("heap.allocations", "allocations", advice.weight);
      one.amount = advice.bytes;
      one.why = advice.matter;
      one.remedy = advice.remedy;
      one.places.push_back({advice.path, advice.bytes, {}, {}, {}});
      return add(std::move(one));
    }
    const auto place =
        std::find_if(allocation->places.begin(), allocation->places.end(), [&](const FindingPlace& known) {
          return !known.path.empty() && !advice.path.empty() &&
                 is_same_function(*allocation->profile, known.path.front(), profile_, advice.path.front());
        });
    if (place != allocation->places.end() && place->matter.empty()) {
      place->matter = advice.matter;
      place->remedy = advice.remedy;
    }
  }

  void tell_growth() {
    const HeapGrowth growth = find_growth(profile_, 0);
    if (growth.growing.empty()) return;
    Finding one = finding("memory.growth", "memory that keeps growing", 0);
    double rate = 0;
    for (const GrowingPath& path : growth.growing) {
      one.amount += path.live_bytes;
      rate += path.fit.bytes_per_second;
      if (one.places.size() < kMostPlaces) one.places.push_back({path.path, path.live_bytes, {}, {}, {}});
    }
    one.share = one.win = std::min(1.0, share(one.amount, summary_.peak_bytes));
    one.why = fmt::format("{} of call paths grew from slice to slice, by {} a second, and had not levelled off",
                          format_bytes(one.amount), format_bytes(static_cast<uint64_t>(std::max(rate, 0.0))));
    one.remedy = "bound what is kept (a cache without a limit, a list that only grows), or free what is done with";
    add(std::move(one));
  }

  void tell_leaks() {
    const Leaks leaks = find_leaks(profile_, leaks_);
    const uint64_t lost_bytes = leaks.totals.lost_bytes();
    if (lost_bytes == 0) return;
    Finding one = finding("leak", "memory that is lost", share(lost_bytes, summary_.peak_bytes));
    one.amount = lost_bytes;
    for (const LeakSite& site : leaks.sites) {
      if (site.verdict != LeakVerdict::kDefinitelyLost || one.places.size() == kMostPlaces) continue;
      one.places.push_back({site.path, site.amount.bytes + site.behind.bytes, {}, {}, {}});
    }
    one.why = fmt::format("nothing leads to {} in {} blocks any more", format_bytes(lost_bytes),
                          format_count(leaks.totals.lost_blocks()));
    one.remedy = "free it, or hold it by an owner (unique_ptr); `flarestack leaks` tells each call path";
    if (lost_bytes >= kLargeLeakBytes || one.share >= findings_.threshold) findings_.list.push_back(std::move(one));
  }

  const Profile& profile_;
  const LeakOptions& leaks_;
  Findings& findings_;
  HeapSummary summary_;
};

}  // namespace

double expected_win(const Finding& finding) {
  constexpr double kOfGuess = 0.3;
  return finding.win * (finding.confidence == Confidence::kPossible ? kOfGuess : 1);
}

Findings find_bottlenecks(const FindingSources& sources, double threshold) {
  Findings findings;
  findings.threshold = threshold;
  if (sources.time != nullptr) add_time_findings(*sources.time, findings);
  if (sources.heap != nullptr) {
    findings.has_heap = true;
    MemoryFinder(*sources.heap, sources.leaks, findings).run();
  }
  std::erase_if(findings.list, [&](const Finding& one) { return one.id == "cpu.allocation" && one.share < threshold; });
  std::stable_sort(findings.list.begin(), findings.list.end(),
                   [](const Finding& a, const Finding& b) { return expected_win(a) > expected_win(b); });
  return findings;
}

void explain_findings(Findings& findings, const AnnotationSources& sources) {
  size_t explained = 0;
  for (Finding& finding : findings.list) {
    if (finding.function == kNoIndex || explained == kMostExplained) continue;
    ++explained;
    finding.hints = work_hints_of(*finding.profile, finding.function, sources);
    // What its callees cost is another finding, or none.
    std::erase_if(finding.hints, [](const WorkHint& hint) { return hint.kind == WorkKind::kCallBound; });
  }
}

}  // namespace flarestack
