// SPDX-License-Identifier: Apache-2.0
#include "report/heap_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

constexpr size_t kCallersShown = 4;

std::string at_time(int64_t time_ns) { return format_duration(static_cast<uint64_t>(std::max<int64_t>(time_ns, 0))); }

// A size as a power of two, without digits that say nothing: "16", "4 KiB".
struct PowerOfTwo {
  uint64_t number;
  const char* unit;
};
PowerOfTwo power_of_two(uint64_t size_bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  while (size_bytes >= 1024) {
    size_bytes /= 1024;
    ++unit;
  }
  return {size_bytes, kUnits[unit]};
}

}  // namespace

std::string heap_phrase(const HeapSummary& summary) {
  const auto plural = [](uint64_t count) { return count == 1 ? "" : "s"; };
  if (summary.mode == HeapMode::kImported) {
    std::string phrase = fmt::format("{} in {} allocation{}", format_bytes(summary.allocated_bytes),
                                     format_count(summary.allocations), plural(summary.allocations));
    if (summary.peak_bytes != 0) phrase += fmt::format("; peak {}", format_bytes(summary.peak_bytes));
    return phrase + fmt::format("; {} in {} block{} in use at the end", format_bytes(summary.live_bytes_at_end),
                                format_count(summary.live_blocks_at_end), plural(summary.live_blocks_at_end));
  }
  return fmt::format("{} in {} allocation{}, {} temporary; peak {} at {}; {} in {} block{} live at the end",
                     format_bytes(summary.allocated_bytes), format_count(summary.allocations),
                     plural(summary.allocations), format_percent(summary.temporary_allocations, summary.allocations),
                     format_bytes(summary.peak_bytes), at_time(summary.peak_time_ns),
                     format_bytes(summary.live_bytes_at_end), format_count(summary.live_blocks_at_end),
                     plural(summary.live_blocks_at_end));
}

std::string confidence_phrase(const HeapSummary& summary) {
  if (summary.mode != HeapMode::kSampled) return "";
  return fmt::format(
      "sampled every {}: {} allocations +- {}, {} +- {} (95% confidence)", format_bytes(summary.sample_bytes),
      format_count(summary.allocations), format_count(static_cast<uint64_t>(summary.allocations_confidence)),
      format_bytes(summary.allocated_bytes), format_bytes(static_cast<uint64_t>(summary.allocated_bytes_confidence)));
}

std::string rss_phrase(const HeapSummary& summary) {
  if (!summary.memory.known) return "";
  const MemoryRecord& peak = summary.memory.peak.memory;
  return fmt::format("{} resident at most, at {}", format_bytes(peak.rss_bytes), at_time(peak.time_ns));
}

std::vector<MemoryPart> rss_parts(const HeapSummary& summary) {
  if (!summary.memory.known) return {};
  const MemoryRecord& peak = summary.memory.peak.memory;
  std::vector<MemoryPart> parts = {
      {"live heap", std::min(peak.heap_live_bytes, peak.allocator_bytes)},
      {"allocator's caches and fragmentation", summary.memory.allocator_overhead_bytes},
      {"mapped by the program", peak.mapped_bytes},
      {"stacks", peak.stack_bytes},
      {"files", peak.file_bytes},
      {"flarestack's own", peak.own_bytes},
  };
  std::erase_if(parts, [](const MemoryPart& part) { return part.size_bytes == 0; });
  return parts;
}

std::string size_label(const SizeClassUse& use) {
  if (use.least_bytes == use.most_bytes) return fmt::format("{} B", use.least_bytes);
  const PowerOfTwo least = power_of_two(use.least_bytes);
  if (use.most_bytes < 1024) return fmt::format("{}-{} B", use.least_bytes, use.most_bytes);
  if (least.number == 512) return fmt::format("512 {}-1 {}", least.unit, power_of_two(use.least_bytes * 2).unit);
  return fmt::format("{}-{} {}", least.number, least.number * 2, least.unit);
}

std::string lifetime_label(size_t lifetime) {
  if (lifetime >= kLifetimeBoundsNs.size()) return "longer";
  const int64_t bound_ns = kLifetimeBoundsNs[lifetime];
  if (bound_ns < 1'000'000'000) return fmt::format("< {} ms", bound_ns / 1'000'000);
  if (bound_ns < 60'000'000'000) return fmt::format("< {} s", bound_ns / 1'000'000'000);
  return fmt::format("< {} min", bound_ns / 60'000'000'000);
}

std::string place_phrase(const Profile& profile, const std::vector<uint32_t>& path, size_t name_width) {
  if (path.empty()) return "the whole program";
  const Location& place = profile.locations[path.front()];
  const Function& function = profile.functions[place.function];
  std::string phrase = short_function(function.name, name_width);
  if (place.line != 0) phrase += fmt::format("  {}:{}", short_file(profile.files[place.file], 40), place.line);
  if (!function.module.empty()) phrase += "  " + short_file(function.module, 40);
  return phrase;
}

std::string callers_phrase(const Profile& profile, const std::vector<uint32_t>& path, size_t name_width) {
  std::string phrase;
  const auto function_at = [&](size_t i) { return profile.locations[path[i]].function; };
  for (size_t i = 1, shown = 0; i < path.size() && shown < kCallersShown; ++shown) {
    const size_t first = i;
    while (i < path.size() && function_at(i) == function_at(first)) ++i;
    phrase += (shown == 0 ? "< " : " < ") + short_function(profile.functions[function_at(first)].name, name_width);
    if (i - first > 1) phrase += fmt::format(" x{}", i - first);  // recursion
  }
  return phrase;
}

std::string node_phrase(const Profile& profile, uint32_t node, size_t name_width) {
  const auto& nodes = profile.tree.nodes();
  std::string phrase;
  for (size_t i = 0; node != CallTree::kRoot && i < kCallersShown; ++i, node = nodes[node].parent) {
    const Function& function = profile.functions[nodes[node].function];
    phrase += (i == 0 ? "" : " < ") + short_function(function.name, name_width);
    if (i == 0 && !function.module.empty()) phrase += " (" + short_file(function.module, 24) + ")";
  }
  return phrase;
}

}  // namespace flarestack
