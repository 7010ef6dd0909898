// SPDX-License-Identifier: Apache-2.0
#include "profiler/mapped_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/fd.h"
#include "profiler/clock.h"

namespace flarestack {
namespace {

constexpr uint64_t kLookShare = 20;  // looking takes at most one in so many ns
constexpr uint64_t kLookIntervalNs = 200'000'000;
constexpr size_t kMaxMappings = 100'000;

}  // namespace

void MappedFiles::look(int32_t pid, uint64_t now_monotonic_ns) {
  if (now_monotonic_ns < next_look_monotonic_ns_) {
    return;
  }
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  for (size_t i = 0; maps.ok() && i < maps->mappings().size(); ++i) {
    const Mapping& mapping = maps->mappings()[i];
    if (mapping.executable && mapping.path.starts_with('/')) {
      open_jit_dump(pid, mapping);
      add(mapping);
    }
  }
  const uint64_t cost_ns = monotonic_now_ns() - now_monotonic_ns;
  next_look_monotonic_ns_ = now_monotonic_ns + std::max(kLookIntervalNs, cost_ns * kLookShare);
}

void MappedFiles::add(Mapping mapping) {
  auto at = mappings_.lower_bound(mapping.start);
  if (at != mappings_.begin() && std::prev(at)->second.end > mapping.start) {
    --at;
  }
  while (at != mappings_.end() && at->second.start < mapping.end) {
    at = mappings_.erase(at);
  }
  if (mappings_.size() < kMaxMappings) {
    mappings_.emplace(mapping.start, std::move(mapping));
  }
}

// Now, while the mapping is there to say which file it is; it is read when it is complete.
void MappedFiles::open_jit_dump(int32_t pid, const Mapping& mapping) {
  const std::string_view name = std::string_view(mapping.path).substr(mapping.path.rfind('/') + 1);
  if (jit_dump_ || !name.starts_with("jit-") || name.find(".dump") == std::string_view::npos) {
    return;
  }
  Result<Fd> file = ProcessMaps::open_file_of(pid, mapping);
  struct stat status {};
  if (file.ok() && fstat(file->get(), &status) == 0 && S_ISREG(status.st_mode)) {
    jit_dump_ = std::move(*file);
  }
}

ElfLayout MappedFiles::read(const Mapping& mapping) {
  const Result<Fd> file = open_file(mapping.path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (!file.ok() || fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_ino != mapping.inode) {
    return {};  // another file has taken the name
  }
  return ElfLayout::read(file->get());
}

std::optional<MappedFiles::Place> MappedFiles::find(RuntimeAddress address) {
  auto after = mappings_.upper_bound(address.value);
  if (after == mappings_.begin() || std::prev(after)->second.end <= address.value) {
    return std::nullopt;
  }
  const Mapping& mapping = std::prev(after)->second;
  const auto [entry, added] = files_.try_emplace(mapping.path);
  if (added) {
    entry->second = read(mapping);
  }
  const uint64_t file_offset = address.value - mapping.start + mapping.file_offset;
  if (const std::optional<uint64_t> address_in_file = entry->second.virtual_address_of(file_offset)) {
    return Place{mapping.path, entry->second.build_id, {*address_in_file}};
  }
  return std::nullopt;
}

}  // namespace flarestack
