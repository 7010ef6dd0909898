// SPDX-License-Identifier: Apache-2.0
// Phrases about a heap that the text, the Markdown and the summary share. Offline side.
#pragma once

#include <string>
#include <vector>

#include "model/heap_advice.h"
#include "model/heap_summary.h"

namespace flarestack {

// "14.9 KiB in 43 allocations, 9.3% temporary; peak 7.56 KiB at 22.0 ms; 1.50 KiB in 9 blocks live at the end".
std::string heap_phrase(const HeapSummary& summary);
// "sampled every 512 KiB: 1,234 allocations +- 56, 12.3 MiB +- 45 KiB (95%)"; empty for an exact recording.
std::string confidence_phrase(const HeapSummary& summary);
// "150 MiB resident at most, at 3.10 s"; empty where nothing is known.
std::string rss_phrase(const HeapSummary& summary);
// What the resident memory at its greatest consisted of, those parts that are known: "live heap", ...
struct MemoryPart {
  const char* name;
  uint64_t size_bytes;
};
std::vector<MemoryPart> rss_parts(const HeapSummary& summary);

std::string size_label(const SizeClassUse& use);  // "0 B", "16-31 B", "4-8 KiB", "512 KiB-1 MiB"
std::string lifetime_label(size_t lifetime);      // "< 1 ms", ..., "longer"; of HeapSummary::lifetimes

// "burst  burst.cc:12  game": the first of a HeapSite's or HeapAdvice's path; "the whole program" of an empty one.
std::string place_phrase(const Profile& profile, const std::vector<uint32_t>& path, size_t name_width);
// "< frame < main": its callers, "< walk x23 < main" of recursion; empty without any.
std::string callers_phrase(const Profile& profile, const std::vector<uint32_t>& path, size_t name_width);
// The function, and what called it, of a node: "map < load < main".
std::string node_phrase(const Profile& profile, uint32_t node, size_t name_width);

}  // namespace flarestack
