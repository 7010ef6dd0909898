// SPDX-License-Identifier: Apache-2.0
// Advice from the facts of a heap: what costs most, where, and what to do about it. Offline side.
//
// Each rule has a threshold below which it says nothing, so that a program without a problem gets no advice:
//   temporary      a call path with at least 10,000 allocations, and 5 % of all, of which 9 in 10 are temporary
//   growth         a container or buffer that grew by reallocation 1,000 times and for 5 % of all allocations or bytes,
//                  where its reallocations reach at least 3 size classes below one caller (what is reserved reaches
//                  one)
//   tiny           a call path with at least 100,000 allocations of at most 32 bytes, and a tenth of all, most of which
//                  outlive the thread's next allocation (else "temporary" says it)
//   peak           a call path that holds at least a quarter of a peak of at least 1 MiB
//   overhead       resident memory of the allocator that is no live block: at least 16 MiB and half of what is live
// A sampled recording's counts are estimates; a rule wants at least 10 samples behind them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/heap_summary.h"
#include "model/profile.h"

namespace flarestack {

enum class AdviceKind : uint8_t { kTemporary, kGrowth, kTiny, kPeak, kOverhead };
const char* advice_kind_name(AdviceKind kind);  // "temporary", "growth", ...

struct HeapAdvice {
  AdviceKind kind = AdviceKind::kTemporary;
  double weight = 0;   // share of the program's heap that it is about, 0 to 1; the order
  std::string matter;  // with the numbers: "12,345 allocations (45.6% of all), ..."
  std::string remedy;  // what to do
  // In Profile::locations: the place, which is the innermost code outside of libraries' headers, and its callers along
  // the heaviest of its call paths. Empty: the whole program.
  std::vector<uint32_t> path;
  uint64_t allocations = 0;
  uint64_t bytes = 0;  // allocated, or at the peak, or of overhead: what `matter` is about
};

// Whether heap_advice() could say anything, without symbols: a heap as small as that of most programs has none.
bool may_have_advice(const HeapSummary& summary);

// Weightiest first, one for each place but for the peak's. `profile` is of a heap metric and was made without a range
// of time for the rules to be meant as they are; with one they speak of it alone.
std::vector<HeapAdvice> heap_advice(const Profile& profile, const HeapSummary& summary);

}  // namespace flarestack
