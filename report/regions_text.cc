// SPDX-License-Identifier: Apache-2.0
#include "report/regions_text.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.h"

namespace flarestack {
namespace {

constexpr size_t kShown = 40;

// "+1.50 KiB", "-3 B", "0 B".
std::string signed_bytes(int64_t bytes) {
  const auto size = bytes < 0 ? -static_cast<uint64_t>(bytes) : static_cast<uint64_t>(bytes);
  return (bytes < 0 ? "-" : bytes > 0 ? "+" : "") + format_bytes(size);
}

std::string value_phrase_of(const RegionValue& value) {
  if (value.count == 1) return fmt::format("{} = {}", printable(value.name), value.last);
  return fmt::format("{}: {} times, {} in all, {} to {}", printable(value.name), format_count(value.count), value.sum,
                     value.smallest, value.largest);
}

void append_regions(const Regions& regions, bool has_heap, const TextLayout& layout, std::string& out) {
  if (regions.regions.empty()) return;
  const Painter painter(layout.colour);
  out += painter.bold(fmt::format("{:>9}  {:>9}  {:>9}  {:>9}  {}REGION", "CALLS", "WALL", "SELF", "CPU",
                                  has_heap ? fmt::format("{:>9}  {:>10}  {:>9}  ", "ALLOCATED", "LEFT", "PEAK") : "")) +
         "\n";
  for (size_t i = 0; i < std::min(regions.regions.size(), kShown); ++i) {
    const Region& region = regions.regions[i];
    const RegionUse& use = region.use;
    std::string numbers =
        fmt::format("{:>9}  {:>9}  {:>9}  {:>9}  ", format_count(use.calls), format_duration(use.total.wall_ns),
                    format_duration(use.self.wall_ns), format_duration(use.total.cpu_ns));
    if (has_heap) {
      numbers += fmt::format("{:>9}  {:>10}  {:>9}  ", format_bytes(use.total.allocated_bytes),
                             signed_bytes(use.total.live_delta_bytes()), format_bytes(use.peak_bytes));
    }
    const std::string indent(2 * std::min<size_t>(region.depth, 16), ' ');
    const size_t room =
        std::max<size_t>(layout.width, numbers.size() + indent.size() + 24) - numbers.size() - indent.size();
    std::string name = shorten_middle(printable(region.name), room);
    if (use.unfinished != 0) {
      name += painter.dim(fmt::format("  {} left without an end", format_count(use.unfinished)));
    }
    out += numbers + indent + name + "\n";
    for (const RegionValue& tag : region.tags)
      out += std::string(numbers.size(), ' ') + indent + "  " + painter.dim(value_phrase_of(tag)) + "\n";
  }
  if (regions.regions.size() > kShown)
    out += painter.dim(fmt::format("and {} more; --format json has them all", regions.regions.size() - kShown)) + "\n";
}

void append_counters(const Regions& regions, const TextLayout& layout, std::string& out) {
  if (regions.counters.empty()) return;
  out += "\n" + Painter(layout.colour).bold("Counters") + "\n";
  for (const RegionValue& counter : regions.counters) out += "  " + value_phrase_of(counter) + "\n";
}

void append_pools(const Regions& regions, const TextLayout& layout, std::string& out) {
  if (regions.pools.empty()) return;
  out += "\n" + Painter(layout.colour).bold("Pools of the program's own") + "\n";
  for (const RegionPool& pool : regions.pools) {
    out +=
        fmt::format("  {}: {} in {} blocks; at most {} at once, {} in {} at the end\n", printable(pool.name),
                    format_bytes(pool.allocated_bytes), format_count(pool.allocations), format_bytes(pool.peak_bytes),
                    format_bytes(pool.live_bytes_at_end), format_count(pool.live_blocks_at_end));
  }
}

std::string counted(size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

std::string regions_text(const Profile& profile, const TextLayout& layout) {
  const Regions regions = regions_of(profile.recording, profile.options);
  if (regions.empty()) return {};
  std::string out;
  append_regions(regions, profile.recording.has_heap(), layout, out);
  append_counters(regions, layout, out);
  append_pools(regions, layout, out);
  return out;
}

std::string regions_phrase(const Recording& recording) {
  const Regions regions = regions_of(recording);
  std::string phrase;
  for (const auto& [count, noun] : {std::pair{regions.regions.size(), "region"},
                                    {regions.counters.size(), "counter"},
                                    {regions.pools.size(), "pool"}}) {
    if (count != 0) phrase += (phrase.empty() ? "" : ", ") + counted(count, noun);
  }
  return phrase;
}

}  // namespace flarestack
