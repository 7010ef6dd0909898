// SPDX-License-Identifier: Apache-2.0
#include "report/heaptrack_text.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "model/heap_summary.h"
#include "model/stack_paths.h"
#include "report/text_style.h"

namespace flarestack {
namespace {

// heaptrack_print's defaults.
constexpr size_t kSites = 10;
constexpr size_t kPathsPerSite = 5;

struct HeapCosts {
  uint64_t calls = 0;
  uint64_t temporary = 0;
  uint64_t allocated_bytes = 0;
  uint64_t peak_bytes = 0;
  uint64_t leaked_bytes = 0;
  void add(const HeapCosts& other) {
    calls += other.calls;
    temporary += other.temporary;
    allocated_bytes += other.allocated_bytes;
    peak_bytes += other.peak_bytes;
    leaked_bytes += other.leaked_bytes;
  }
};

struct CallPath {
  uint32_t stack = kNoIndex;  // one of those with this path
  uint32_t location = 0;      // its innermost frame
  HeapCosts costs;
};

// The code that called the allocator.
struct Site {
  uint32_t location = 0;
  HeapCosts costs;
  std::vector<uint32_t> paths;
};

// "12.35K": as heaptrack writes bytes.
std::string decimal_bytes(double size_bytes) {
  if (size_bytes < 1000) return fmt::format("{:.0f}B", size_bytes);
  size_t unit = 0;
  for (size_bytes /= 1000; size_bytes >= 1000 && unit < 4; size_bytes /= 1000) ++unit;
  return fmt::format("{:.2f}{}", size_bytes, "KMGTP"[unit]);
}
std::string decimal_bytes(uint64_t size_bytes) { return decimal_bytes(static_cast<double>(size_bytes)); }

struct Section {
  const char* title;
  uint64_t HeapCosts::*value;  // that it is about
  std::string (*of_site)(const HeapCosts& costs);
  std::string (*of_path)(const HeapCosts& costs);
};

std::string temporary_words(const HeapCosts& costs) {
  const double percent =
      100 * static_cast<double>(costs.temporary) / static_cast<double>(std::max<uint64_t>(costs.calls, 1));
  return fmt::format("{} temporary allocations of {} allocations in total ({:.2f}%) from", costs.temporary, costs.calls,
                     percent);
}

constexpr std::array kSections = {
    Section{"MOST CALLS TO ALLOCATION FUNCTIONS", &HeapCosts::calls,
            [](const HeapCosts& costs) {
              return fmt::format("{} calls to allocation functions with {} peak consumption from", costs.calls,
                                 decimal_bytes(costs.peak_bytes));
            },
            [](const HeapCosts& costs) {
              return fmt::format("{} calls with {} peak consumption from", costs.calls,
                                 decimal_bytes(costs.peak_bytes));
            }},
    Section{"PEAK MEMORY CONSUMERS", &HeapCosts::peak_bytes,
            [](const HeapCosts& costs) {
              return fmt::format("{} peak memory consumed over {} calls from", decimal_bytes(costs.peak_bytes),
                                 costs.calls);
            },
            [](const HeapCosts& costs) {
              return fmt::format("{} consumed over {} calls from", decimal_bytes(costs.peak_bytes), costs.calls);
            }},
    Section{"MOST BYTES ALLOCATED OVER TIME (ignoring deallocations)", &HeapCosts::allocated_bytes,
            [](const HeapCosts& costs) {
              return fmt::format("{} allocated over {} calls from", decimal_bytes(costs.allocated_bytes), costs.calls);
            },
            [](const HeapCosts& costs) {
              return fmt::format("{} allocated over {} calls from", decimal_bytes(costs.allocated_bytes), costs.calls);
            }},
    Section{"MEMORY LEAKS", &HeapCosts::leaked_bytes,
            [](const HeapCosts& costs) {
              return fmt::format("{} leaked over {} calls from", decimal_bytes(costs.leaked_bytes), costs.calls);
            },
            [](const HeapCosts& costs) {
              return fmt::format("{} leaked over {} calls from", decimal_bytes(costs.leaked_bytes), costs.calls);
            }},
    Section{"MOST TEMPORARY ALLOCATIONS", &HeapCosts::temporary, temporary_words, temporary_words},
};

class HeaptrackText {
 public:
  explicit HeaptrackText(const Profile& profile) : profile_(profile), stack_paths_(profile) {
    add_paths();
    add_sites();
  }

  std::string write() {
    for (const Section& section : kSections) write_section(section);
    write_totals();
    return std::move(text_);
  }

 private:
  bool has_leak_check() const { return !profile_.recording.leak_checks.empty(); }

  void add_paths() {
    for (const HeapCell& cell : profile_.heap.cells) {
      if (cell.kind != MemoryKind::kHeap) continue;
      const uint32_t number = stack_paths_.path_of(cell.stack);
      if (number >= paths_.size()) paths_.resize(number + 1);
      CallPath& path = paths_[number];
      path.stack = cell.stack;
      path.location = cell.location;
      const uint64_t leaked_bytes = has_leak_check() ? cell.leaked_bytes : cell.live_bytes;
      path.costs.add({cell.allocations, cell.temporary, cell.allocated_bytes, cell.peak_bytes, leaked_bytes});
    }
  }

  void add_sites() {
    std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> site_of_place;
    for (uint32_t i = 0; i < paths_.size(); ++i) {
      const HeapCosts& costs = paths_[i].costs;
      if (costs.calls == 0 && costs.peak_bytes == 0 && costs.leaked_bytes == 0) continue;
      const Location& place = profile_.locations[paths_[i].location];
      const auto next = static_cast<uint32_t>(sites_.size());
      const auto [entry, added] = site_of_place.try_emplace({place.function, place.file, place.line}, next);
      if (added) sites_.push_back({paths_[i].location, {}, {}});
      sites_[entry->second].costs.add(costs);
      sites_[entry->second].paths.push_back(i);
    }
  }

  // The numbers of those with most of a cost, at most `most`, without those that have nothing of it.
  template <typename Entries>
  static std::vector<uint32_t> greatest(const Entries& entries, std::vector<uint32_t> numbers,
                                        uint64_t HeapCosts::*value, size_t most) {
    std::erase_if(numbers, [&](uint32_t each) { return entries[each].costs.*value == 0; });
    const auto end = numbers.begin() + static_cast<ptrdiff_t>(std::min(most, numbers.size()));
    std::partial_sort(numbers.begin(), end, numbers.end(), [&](uint32_t a, uint32_t b) {
      return std::pair(entries[b].costs.*value, a) < std::pair(entries[a].costs.*value, b);
    });
    numbers.erase(end, numbers.end());
    return numbers;
  }

  void write_frame(uint32_t index, const std::string& indent) {
    const Location& location = profile_.locations[index];
    const Function& function = profile_.functions[location.function];
    text_ += indent + printable(function.name) + "\n";
    const std::string file = printable(profile_.files[location.file]);
    if (!file.empty()) text_ += fmt::format("{}  at {}:{}\n", indent, file, location.line);
    if (!function.module_path.empty()) text_ += indent + "  in " + printable(function.module_path) + "\n";
  }

  void write_section(const Section& section) {
    std::vector<uint32_t> all(sites_.size());
    for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    text_ += std::string(section.title) + "\n";
    for (const uint32_t number : greatest(sites_, all, section.value, kSites)) {
      const Site& site = sites_[number];
      text_ += section.of_site(site.costs) + "\n";
      write_frame(site.location, "");
      uint64_t rest = site.costs.*section.value;
      const std::vector<uint32_t> shown = greatest(paths_, site.paths, section.value, kPathsPerSite);
      for (const uint32_t each : shown) {
        const CallPath& path = paths_[each];
        rest -= path.costs.*section.value;
        text_ += section.of_path(path.costs) + ":\n";
        const std::vector<uint32_t> frames = stack_paths_.locations_of(path.stack);
        for (size_t i = 1; i < frames.size(); ++i) write_frame(frames[i], "    ");
      }
      const bool is_bytes = section.value != &HeapCosts::calls && section.value != &HeapCosts::temporary;
      const std::string rest_text = is_bytes ? decimal_bytes(rest) : std::to_string(rest);
      if (rest != 0) text_ += fmt::format("and {} from {} other places\n", rest_text, site.paths.size() - shown.size());
      text_ += "\n";
    }
    text_ += "\n";
  }

  void write_totals() {
    const HeapSummary summary = summarize_heap(profile_);
    const ProfileOptions& options = profile_.options;
    const auto to_ns = static_cast<double>(std::min(options.to_ns.value_or(INT64_MAX), profile_.recording.duration_ns));
    const auto from_ns = static_cast<double>(std::max<int64_t>(options.from_ns.value_or(0), 0));
    const double seconds = std::max(to_ns - from_ns, 1.0) / 1e9;
    const auto rate = [seconds](uint64_t count) { return static_cast<double>(count) / seconds; };
    const auto bytes = [](uint64_t size_bytes) {
      return fmt::format("{} ({} bytes)", decimal_bytes(size_bytes), size_bytes);
    };
    HeapCosts all;
    for (const Site& site : sites_) all.add(site.costs);
    text_ += fmt::format("total runtime: {:.2f}s.\n", seconds);
    text_ += fmt::format("calls to allocation functions: {} ({:.0f}/s)\n", all.calls, rate(all.calls));
    text_ += fmt::format("temporary memory allocations: {} ({:.0f}/s)\n", all.temporary, rate(all.temporary));
    text_ += fmt::format("bytes allocated in total (ignoring deallocations): {} ({}/s)\n", bytes(all.allocated_bytes),
                         decimal_bytes(rate(all.allocated_bytes)));
    text_ += "peak heap memory consumption: " + bytes(all.peak_bytes) + "\n";
    if (summary.memory.known)
      text_ += "peak RSS (including flarestack overhead): " + bytes(summary.memory.peak.memory.rss_bytes) + "\n";
    text_ += "total memory live at the end: " + bytes(summary.live_bytes_at_end) + "\n";
    text_ += "total memory leaked: " + bytes(all.leaked_bytes) + "\n";
    if (!has_leak_check()) text_ += "no leak check was recorded: all that is live at the end counts as leaked\n";
  }

  const Profile& profile_;
  StackPaths stack_paths_;
  std::vector<CallPath> paths_;  // by StackPaths::path_of()
  std::vector<Site> sites_;
  std::string text_;
};

}  // namespace

std::string heaptrack_text(const Profile& profile) {
  std::string head = "Debuggee command was: " + printable(command_line(profile.recording.session.command)) + "\n\n";
  return head + HeaptrackText(profile).write();
}

}  // namespace flarestack
