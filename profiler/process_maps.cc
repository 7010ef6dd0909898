// SPDX-License-Identifier: Apache-2.0
#include "profiler/process_maps.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace flarestack {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kLowestAddress = 0x10000;          // vm.mmap_min_addr
constexpr uint64_t kHighestAddress = 0x7ffffffff000;  // of a process's memory, with four page table levels
constexpr uint64_t kReachBytes = 1900ULL << 20;       // of a 32-bit distance, with something to spare
constexpr uint64_t kGrowthBytes = 1ULL << 30;     // where brk may begin behind an executable, and what it may grow to
constexpr uint64_t kStandOffBytes = 64ULL << 20;  // from the end of a gap at which the kernel goes on mapping

Result<Fd> open_regular(const std::string& path, uint64_t inode) {
  Result<Fd> file = open_file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (file.ok() && (fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_ino != inode)) {
    return Error{path + ": it is not the file that the program has mapped"};
  }
  return file;
}

}  // namespace

std::optional<ProcessMaps::Mapping> ProcessMaps::parse_line(const std::string& line) {
  // START-END PERMISSIONS OFFSET DEVICE INODE      PATH (proc(5))
  Mapping mapping;
  char permissions[5] = {};
  int path_at = 0;
  if (std::sscanf(line.c_str(), "%lx-%lx %4s %lx %*s %lu %n", &mapping.start, &mapping.end, permissions,
                  &mapping.file_offset, &mapping.inode, &path_at) != 5) {
    return std::nullopt;
  }
  mapping.readable = permissions[0] == 'r';
  mapping.writable = permissions[1] == 'w';
  mapping.executable = permissions[2] == 'x';
  mapping.path = line.substr(static_cast<size_t>(path_at));
  return mapping;
}

Result<ProcessMaps> ProcessMaps::read(int32_t pid) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/maps", pid));
  if (!text.ok()) {
    return text.error();
  }
  return parse(*text);
}

ProcessMaps ProcessMaps::parse(std::string_view text) {
  ProcessMaps maps;
  while (!text.empty()) {
    const std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (std::optional<Mapping> mapping = parse_line(line)) {
      maps.mappings_.push_back(std::move(*mapping));
    }
  }
  // What we have mapped may come before the executable.
  const auto program = std::find_if(maps.mappings_.begin(), maps.mappings_.end(), [](const Mapping& mapping) {
    return mapping.path.starts_with('/') && !mapping.path.starts_with("/memfd:");
  });
  for (const Mapping& mapping : maps.mappings_) {
    const bool is_zeroed_data = mapping.path.empty() && mapping.start == maps.heap_end_;
    const bool is_program = program != maps.mappings_.end() && mapping.path == program->path;
    if (is_program || mapping.path == "[heap]" || is_zeroed_data) {
      maps.heap_end_ = mapping.end;
    }
  }
  return maps;
}

Result<Fd> ProcessMaps::open_file_of(int32_t pid, const Mapping& mapping) {
  Result<Fd> file = open_regular(fmt::format("/proc/{}/root{}", pid, mapping.path), mapping.inode);
  if (file.ok()) {
    return file;
  }
  // Needs a privilege, and also finds deleted files and those of another mount namespace.
  Result<Fd> mapped =
      open_file(fmt::format("/proc/{}/map_files/{:x}-{:x}", pid, mapping.start, mapping.end), O_RDONLY | O_NONBLOCK);
  return mapped.ok() ? std::move(mapped) : std::move(file);
}

// The gap in front of mappings_[index]; that behind all if there is no such mapping.
ProcessMaps::Gap ProcessMaps::gap_before(size_t index) const {
  Gap gap;
  gap.start = index == 0 ? kLowestAddress : mappings_[index - 1].end;
  gap.end = index == mappings_.size() ? kHighestAddress : mappings_[index].start;
  const bool is_large = gap.end > gap.start && gap.end - gap.start > 2 * kStandOffBytes;
  if (index != 0 && gap.start < heap_end_) {
    gap.end = gap.start;  // between the executable and the heap
  } else if (gap.start == heap_end_) {
    gap.start += kGrowthBytes;
    gap.is_behind_heap = true;
  } else if (index != 0 && !is_large) {
    gap.is_small = true;  // the kernel puts the next mapping that fits into the highest gap
  }
  if (index != mappings_.size() && mappings_[index].path == "[stack]") {
    gap.end -= std::min(gap.end, kGrowthBytes);
  }
  // Nor right below what is mapped: there it goes on where no gap fits.
  if (is_large) {
    gap.end -= kStandOffBytes;
  }
  return gap;
}

std::optional<uint64_t> ProcessMaps::take_near(uint64_t low, uint64_t high, uint64_t size_bytes) {
  const uint64_t first = (high > kReachBytes ? high - kReachBytes : 0) / kPageBytes * kPageBytes;
  const uint64_t last = low + kReachBytes;
  std::optional<std::pair<uint32_t, uint64_t>> best;  // rank and distance
  uint64_t best_place = 0;
  for (size_t i = 0; i <= mappings_.size(); ++i) {
    Gap gap = gap_before(i);
    gap.start = std::max(gap.start, first);
    gap.end = std::min(gap.end, last);
    if (gap.end <= gap.start || gap.end - gap.start < size_bytes) {
      continue;
    }
    const bool is_below = gap.end <= low;
    const uint64_t place = is_below ? (gap.end - size_bytes) / kPageBytes * kPageBytes : gap.start;
    // Last of all what a heap of more than a GiB would run into.
    const uint32_t rank = gap.is_behind_heap && !is_below ? 2 : gap.is_small ? 1 : 0;
    const std::pair quality(rank, is_below ? low - place : place - low);
    if (place >= gap.start && (!best || quality < *best)) {
      best = quality;
      best_place = place;
    }
  }
  if (!best) {
    return std::nullopt;
  }
  Mapping taken;
  taken.start = best_place;
  taken.end = best_place + size_bytes;
  mappings_.insert(std::upper_bound(mappings_.begin(), mappings_.end(), taken.start,
                                    [](uint64_t start, const Mapping& one) { return start < one.start; }),
                   taken);
  return best_place;
}

}  // namespace flarestack
