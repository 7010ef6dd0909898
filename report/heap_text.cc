// SPDX-License-Identifier: Apache-2.0
#include "report/heap_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/heap_advice.h"
#include "model/heap_functions.h"
#include "model/heap_sites.h"
#include "report/heap_words.h"
#include "report/metric_words.h"

namespace flarestack {
namespace {

constexpr size_t kPlacesShown = 10;
constexpr size_t kMappedPaths = 5;
constexpr size_t kAdviceShown = 6;
constexpr size_t kBarWidth = 24;

std::string bar(uint64_t part, uint64_t whole, const TextLayout& layout) {
  if (whole == 0 || part == 0) return "";
  // More than the whole is possible in a damaged trace.
  const double share = std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
  const auto length = std::max<size_t>(1, static_cast<size_t>(share * kBarWidth + 0.5));
  std::string drawn = "  ";
  for (size_t i = 0; i < length; ++i) drawn += layout.unicode ? "\u2588" : "#";
  return drawn;
}

// The table above has the functions that called the allocator, which in C++ are mostly those of containers.
void append_places(const Profile& profile, const TextLayout& layout, std::string& out) {
  const Metric metric = profile.options.metric;
  const std::vector<HeapSite> sites = heap_sites_by_value(profile);
  const bool tells_more =
      std::any_of(sites.begin(), sites.end(), [](const HeapSite& site) { return site.through_library; });
  if (!tells_more) return;
  const Painter painter(layout.colour);
  out += "\n" + painter.bold(" SHARE       VALUE    PLACES IN THE PROGRAM THAT CAUSE IT, OUTSIDE OF LIBRARIES") + "\n";
  for (size_t i = 0; i < std::min(sites.size(), kPlacesShown); ++i) {
    const uint64_t value = sites[i].value(metric);
    const std::string numbers =
        fmt::format("{:>6}  {:>10}    ", format_percent(value, profile.total()), format_value(metric, value));
    const size_t room = std::max<size_t>(layout.width, 60) - columns_of(numbers);
    out += numbers + shorten_end(place_phrase(profile, sites[i].path, room * 3 / 5), room) + "\n";
  }
  if (sites.size() > kPlacesShown)
    out += painter.dim(fmt::format("and {} more; --format json has them all", sites.size() - kPlacesShown)) + "\n";
}

void append_mapped(const Profile& profile, const HeapSummary& summary, const TextLayout& layout, std::string& out) {
  const MappedUse& mapped = summary.mapped;
  if (mapped.allocations == 0 && mapped.live_bytes_at_end == 0) return;
  const Painter painter(layout.colour);
  out += "\n" + painter.bold("Mapped by the program itself") + "\n";
  const std::string totals = fmt::format(
      "{} in {} mapping{}; at most {} at once, {} at the end; not part of the heap above",
      format_bytes(mapped.allocated_bytes), format_count(mapped.allocations), mapped.allocations == 1 ? "" : "s",
      format_bytes(mapped.peak_bytes), format_bytes(mapped.live_bytes_at_end));
  for (const std::string& line : wrapped(totals, layout.width)) out += painter.dim(line) + "\n";
  const std::vector<MappedPath> paths = mapped_paths(profile);
  for (size_t i = 0; i < std::min(paths.size(), kMappedPaths); ++i) {
    const std::string numbers = fmt::format("{:>10}  ", format_bytes(paths[i].allocated_bytes));
    const size_t room = std::max<size_t>(layout.width, 40) - columns_of(numbers);
    out += numbers + shorten_end(node_phrase(profile, paths[i].node, 40), room) + "\n";
  }
  if (paths.size() > kMappedPaths)
    out += painter.dim(fmt::format("and {} more call paths", paths.size() - kMappedPaths)) + "\n";
}

void append_sizes(const HeapSummary& summary, const TextLayout& layout, std::string& out) {
  if (summary.sizes.empty()) return;
  const Painter painter(layout.colour);
  out += "\n" + painter.bold("         SIZE   ALLOCATIONS       BYTES   SHARE") + "\n";
  for (const SizeClassUse& use : summary.sizes) {
    out += fmt::format("{:>13}  {:>12}  {:>10}  {:>6}{}\n", size_label(use), format_count(use.allocations),
                       format_bytes(use.allocated_bytes), format_percent(use.allocations, summary.allocations),
                       bar(use.allocations, summary.allocations, layout));
  }
}

void append_lifetimes(const HeapSummary& summary, const TextLayout& layout, std::string& out) {
  const uint64_t all = summary.deallocations + summary.live_blocks_at_end;
  if (all == 0 || summary.mode == HeapMode::kImported) return;
  const Painter painter(layout.colour);
  out += "\n" + painter.bold("     LIVED        BLOCKS   SHARE") + "\n";
  const auto add = [&](const std::string& label, uint64_t blocks) {
    out += fmt::format("{:>10}  {:>12}  {:>6}{}\n", label, format_count(blocks), format_percent(blocks, all),
                       bar(blocks, all, layout));
  };
  for (size_t i = 0; i < kLifetimeClasses; ++i) {
    if (summary.lifetimes[i] != 0) add(lifetime_label(i), summary.lifetimes[i]);
  }
  if (summary.live_blocks_at_end != 0) add("still live", summary.live_blocks_at_end);
  out += painter.dim(fmt::format("{} of the allocations were temporary: freed before their thread's next one",
                                 format_percent(summary.temporary_allocations, summary.allocations))) +
         "\n";
}

void append_memory(const HeapSummary& summary, const TextLayout& layout, std::string& out) {
  if (!summary.memory.known) return;
  const Painter painter(layout.colour);
  const uint64_t rss_bytes = summary.memory.peak.memory.rss_bytes;
  out += "\n" + painter.bold("Resident memory") + "  " + painter.dim(rss_phrase(summary)) + "\n";
  for (const MemoryPart& part : rss_parts(summary)) {
    out += fmt::format("{:>10}  {:>6}  {}\n", format_bytes(part.size_bytes), format_percent(part.size_bytes, rss_bytes),
                       part.name);
  }
  out += painter.dim(fmt::format("{} page faults, {} of them from a file or swap",
                                 format_count(summary.memory.minor_faults + summary.memory.major_faults),
                                 format_count(summary.memory.major_faults))) +
         "\n";
}

void append_advice(const Profile& profile, const HeapSummary& summary, const TextLayout& layout, std::string& out) {
  const std::vector<HeapAdvice> advice = heap_advice(profile, summary);
  if (advice.empty()) return;
  const Painter painter(layout.colour);
  const size_t width = std::max<size_t>(layout.width, 40);
  out += "\n" + painter.bold("Advice") + "\n";
  for (size_t i = 0; i < std::min(advice.size(), kAdviceShown); ++i) {
    const std::string number = fmt::format("{:>2}. ", i + 1);
    out += number + painter.bold(shorten_end(place_phrase(profile, advice[i].path, width / 2), width - 4)) + "\n";
    const std::string callers = callers_phrase(profile, advice[i].path, 30);
    if (!callers.empty()) out += "    " + painter.dim(shorten_end(callers, width - 4)) + "\n";
    for (const std::string& line : wrapped(advice[i].matter, width - 4)) out += "    " + line + "\n";
    for (const std::string& line : wrapped(advice[i].remedy, width - 4)) out += "    " + painter.good(line) + "\n";
  }
  if (advice.size() > kAdviceShown)
    out += painter.dim(fmt::format("and {} more; --format json has them all", advice.size() - kAdviceShown)) + "\n";
}

}  // namespace

std::string heap_text(const Profile& profile, const HeapSummary& summary, const TextLayout& layout) {
  std::string out;
  append_places(profile, layout, out);
  append_mapped(profile, summary, layout, out);
  append_sizes(summary, layout, out);
  append_lifetimes(summary, layout, out);
  append_memory(summary, layout, out);
  append_advice(profile, summary, layout, out);
  return out;
}

}  // namespace flarestack
