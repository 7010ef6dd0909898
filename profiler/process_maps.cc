// SPDX-License-Identifier: Apache-2.0
#include "profiler/process_maps.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

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
    // START-END PERMISSIONS OFFSET DEVICE INODE      PATH (proc(5))
    Mapping mapping;
    char permissions[5] = {};
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s %lx %*s %lu %n", &mapping.start, &mapping.end, permissions,
                    &mapping.file_offset, &mapping.inode, &path_at) == 5) {
      mapping.executable = permissions[2] == 'x';
      mapping.path = line.substr(static_cast<size_t>(path_at));
      maps.mappings_.push_back(std::move(mapping));
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

std::optional<uint64_t> ProcessMaps::take_near(uint64_t low, uint64_t high, uint64_t size_bytes) {
  const uint64_t first =
      std::max(kLowestAddress, high > kReachBytes ? high - kReachBytes : 0) / kPageBytes * kPageBytes;
  const uint64_t last = std::min(kHighestAddress, low + kReachBytes);
  const std::string executable = mappings_.empty() ? "" : mappings_.front().path;
  std::optional<uint64_t> best;
  uint64_t best_distance = UINT64_MAX;
  for (size_t i = 0; i <= mappings_.size(); ++i) {
    uint64_t gap_start = i == 0 ? kLowestAddress : mappings_[i - 1].end;
    uint64_t gap_end = i == mappings_.size() ? kHighestAddress : mappings_[i].start;
    // The heap grows upwards from behind the executable, stacks downwards.
    if (i != 0 && (mappings_[i - 1].path == "[heap]" || mappings_[i - 1].path == executable || i == 1)) {
      gap_start += kGrowthBytes;
    }
    if (i != mappings_.size() && mappings_[i].path == "[stack]") {
      gap_end -= std::min(gap_end, kGrowthBytes);
    }
    // Not at the end where the kernel puts the next mapping, right below the last: the program's addresses should not
    // depend on us more than they must.
    if (gap_end > gap_start && gap_end - gap_start > 2 * kStandOffBytes) {
      gap_end -= kStandOffBytes;
    }
    gap_start = std::max(gap_start, first);
    gap_end = std::min(gap_end, last);
    if (gap_end <= gap_start || gap_end - gap_start < size_bytes) {
      continue;
    }
    const uint64_t place = gap_end <= low ? (gap_end - size_bytes) / kPageBytes * kPageBytes : gap_start;
    const uint64_t distance = place < low ? low - place : place - low;
    if (place >= gap_start && distance < best_distance) {
      best = place;
      best_distance = distance;
    }
  }
  if (best) {
    Mapping taken;
    taken.start = *best;
    taken.end = *best + size_bytes;
    mappings_.insert(std::upper_bound(mappings_.begin(), mappings_.end(), taken.start,
                                      [](uint64_t start, const Mapping& one) { return start < one.start; }),
                     taken);
  }
  return best;
}

}  // namespace flarestack
