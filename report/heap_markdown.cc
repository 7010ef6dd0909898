// SPDX-License-Identifier: Apache-2.0
#include "report/heap_markdown.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/heap_advice.h"
#include "model/heap_functions.h"
#include "model/heap_sites.h"
#include "report/heap_words.h"
#include "report/markdown_text.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr size_t kPlacesShown = 10;
constexpr size_t kMappedPaths = 10;

void append_places(const Profile& profile, std::string& out) {
  const Metric metric = profile.options.metric;
  const std::vector<HeapSite> sites = heap_sites_by_value(profile);
  const bool tells_more =
      std::any_of(sites.begin(), sites.end(), [](const HeapSite& site) { return site.through_library; });
  if (!tells_more) return;
  out += "\n### Places in the program that cause it\n\n| share | value | place |\n|---:|---:|---|\n";
  for (size_t i = 0; i < std::min(sites.size(), kPlacesShown); ++i)
    out += fmt::format("| {} | {} | {} |\n", markdown_text(format_percent(sites[i].value(metric), profile.total())),
                       format_value(metric, sites[i].value(metric)),
                       markdown_code(place_phrase(profile, sites[i].path, 120)));
}

void append_mapped(const Profile& profile, const HeapSummary& summary, std::string& out) {
  const MappedUse& mapped = summary.mapped;
  if (mapped.allocations == 0 && mapped.live_bytes_at_end == 0) return;
  out += fmt::format(
      "\n### Mapped by the program itself\n\n{} in {} mappings, at most {} at once, {} at the end; not part of the "
      "heap "
      "above.\n\n| bytes | mappings | call path |\n|---:|---:|---|\n",
      format_bytes(mapped.allocated_bytes), format_count(mapped.allocations), format_bytes(mapped.peak_bytes),
      format_bytes(mapped.live_bytes_at_end));
  const std::vector<MappedPath> paths = mapped_paths(profile);
  for (size_t i = 0; i < std::min(paths.size(), kMappedPaths); ++i)
    out += fmt::format("| {} | {} | {} |\n", format_bytes(paths[i].allocated_bytes), format_count(paths[i].allocations),
                       markdown_code(node_phrase(profile, paths[i].node, 60)));
}

void append_histograms(const HeapSummary& summary, std::string& out) {
  if (!summary.sizes.empty()) out += "\n### Sizes\n\n| size | allocations | bytes | share |\n|---:|---:|---:|---:|\n";
  for (const SizeClassUse& use : summary.sizes)
    out += fmt::format("| {} | {} | {} | {} |\n", size_label(use), format_count(use.allocations),
                       format_bytes(use.allocated_bytes),
                       markdown_text(format_percent(use.allocations, summary.allocations)));
  const uint64_t all = summary.deallocations + summary.live_blocks_at_end;
  if (all == 0 || summary.mode == HeapMode::kImported) return;
  out += "\n### Lifetimes\n\n| lived | blocks | share |\n|---:|---:|---:|\n";
  const auto add = [&](const std::string& label, uint64_t blocks) {
    if (blocks != 0)
      out += fmt::format("| {} | {} | {} |\n", markdown_text(label), format_count(blocks),
                         markdown_text(format_percent(blocks, all)));
  };
  for (size_t i = 0; i < kLifetimeClasses; ++i) add(lifetime_label(i), summary.lifetimes[i]);
  add("still live", summary.live_blocks_at_end);
}

void append_memory(const HeapSummary& summary, std::string& out) {
  if (!summary.memory.known) return;
  out += fmt::format("\n### Resident memory\n\n{}.\n\n| bytes | what |\n|---:|---|\n", rss_phrase(summary));
  for (const MemoryPart& part : rss_parts(summary))
    out += fmt::format("| {} | {} |\n", format_bytes(part.size_bytes), part.name);
}

}  // namespace

std::string heap_markdown(const Profile& profile, const HeapSummary& summary) {
  std::string out;
  append_places(profile, out);
  append_mapped(profile, summary, out);
  append_histograms(summary, out);
  append_memory(summary, out);
  const std::vector<HeapAdvice> advice = heap_advice(profile, summary);
  if (!advice.empty()) out += "\n### Advice\n\n";
  for (const HeapAdvice& each : advice) {
    const std::string callers = callers_phrase(profile, each.path, 60);
    out += fmt::format("1. {}{}: {}. To do: {}.\n", markdown_code(place_phrase(profile, each.path, 120)),
                       callers.empty() ? "" : " " + markdown_code(callers), markdown_text(each.matter),
                       markdown_text(each.remedy));
  }
  return out;
}

}  // namespace flarestack
