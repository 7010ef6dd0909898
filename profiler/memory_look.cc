// SPDX-License-Identifier: Apache-2.0
#include "profiler/memory_look.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/clock.h"
#include "profiler/process_maps.h"

namespace flarestack {
namespace {

constexpr int64_t kIntervalNs = 100'000'000;
constexpr int64_t kCostShare = 100;

// Splits off the text up to `separator`.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

using Mapping = ProcessMaps::Mapping;

bool holds_one_of(const Mapping& mapping, const std::vector<std::pair<uint64_t, uint64_t>>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return (range.first <= mapping.start && mapping.start < range.second) ||
           (mapping.start <= range.first && range.first < mapping.end);
  });
}

uint64_t& owner_of(const Mapping& mapping, const MemoryOwners& owners, MemoryRecord& record) {
  if (mapping.start >= owners.own.first && mapping.start < owners.own.second) {
    return record.own_bytes;
  }
  if (mapping.path.find("flarestack") != std::string_view::npos &&
      (mapping.path.starts_with("/memfd:flarestack") || mapping.path.starts_with("[anon:flarestack]") ||
       mapping.path.find("/libflarestack_preload.so") != std::string_view::npos)) {
    return record.own_bytes;
  }
  if (mapping.path.starts_with("[stack") || (mapping.path.empty() && holds_one_of(mapping, owners.stacks))) {
    return record.stack_bytes;
  }
  if (mapping.path.empty() || mapping.path.starts_with("[heap]") || mapping.path.starts_with("[anon")) {
    return holds_one_of(mapping, owners.mapped) ? record.mapped_bytes : record.allocator_bytes;
  }
  return record.file_bytes;
}

}  // namespace

void split_resident_memory(std::string_view smaps, const MemoryOwners& owners, MemoryRecord& record) {
  uint64_t* owner = nullptr;
  while (!smaps.empty()) {
    const std::string_view line = take_until(smaps, '\n');
    const bool is_field = !line.empty() && line[0] >= 'A' && line[0] <= 'Z';
    if (!is_field) {
      const std::optional<Mapping> mapping = ProcessMaps::parse_line(std::string(line));
      owner = mapping ? &owner_of(*mapping, owners, record) : nullptr;
    } else if (owner != nullptr && line.starts_with("Rss:")) {
      *owner += number(line.substr(4)) * 1024;
    } else if (owner != nullptr && line.starts_with("Pss:")) {
      record.pss_bytes += number(line.substr(4)) * 1024;
    }
  }
}

bool MemoryLook::look(int64_t now_ns, const MemoryOwners& owners, MemoryRecord& record) {
  next_ns_ = now_ns + kIntervalNs;
  record.time_ns = now_ns;
  const Result<std::string> statm = read_file(fmt::format("/proc/{}/statm", pid_));
  const Result<std::string> stat = read_file(fmt::format("/proc/{}/stat", pid_));
  if (!statm.ok() || !stat.ok() || statm->empty()) {
    return false;
  }
  std::string_view pages = *statm;
  take_until(pages, ' ');
  record.rss_bytes = number(take_until(pages, ' ')) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  // Behind the name, which may hold anything but ends with the last parenthesis, fields 3, 4, ... (proc(5)).
  std::string_view fields = std::string_view(*stat).substr(std::min(stat->rfind(')'), stat->size() - 1));
  for (int field = 2; field < 10; ++field) {
    take_until(fields, ' ');
  }
  record.minor_faults = number(take_until(fields, ' '));
  take_until(fields, ' ');
  record.major_faults = number(take_until(fields, ' '));
  const bool grown = record.rss_bytes > rss_at_split_ + rss_at_split_ / 8;
  if (record.rss_bytes == 0 || !grown || now_ns < next_split_ns_) {
    return record.rss_bytes != 0;
  }
  const uint64_t before_ns = monotonic_now_ns();
  const Result<std::string> smaps = read_file(fmt::format("/proc/{}/smaps", pid_));
  const auto cost_ns = static_cast<int64_t>(monotonic_now_ns() - before_ns);
  next_split_ns_ = now_ns + cost_ns * kCostShare;
  if (smaps.ok()) {
    rss_at_split_ = record.rss_bytes;
    split_resident_memory(*smaps, owners, record);
  }
  return true;
}

}  // namespace flarestack
