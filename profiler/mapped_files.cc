// SPDX-License-Identifier: Apache-2.0
#include "profiler/mapped_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <libelf.h>

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

MappedFiles::File MappedFiles::read(const Mapping& mapping) {
  File result;
  const Result<Fd> file = open_file(mapping.path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (!file.ok() || fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_ino != mapping.inode) {
    return result;  // another file has taken the name
  }
  elf_version(EV_CURRENT);
  // Read, not mapped: a file that is cut while it is mapped raises SIGBUS.
  Elf* elf = elf_begin(file->get(), ELF_C_READ, nullptr);
  size_t count = 0;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF && elf_getphdrnum(elf, &count) == 0) {
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf, static_cast<int>(i), &segment) != nullptr && segment.p_type == PT_LOAD) {
        result.segments.push_back({segment.p_offset, segment.p_filesz, segment.p_vaddr});
      }
    }
    const void* build_id = nullptr;
    if (const ssize_t size = dwelf_elf_gnu_build_id(elf, &build_id); size > 0) {
      const auto* bytes = static_cast<const uint8_t*>(build_id);
      result.build_id.assign(bytes, bytes + size);
    }
  }
  elf_end(elf);
  return result;
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
  for (const File::Segment& segment : entry->second.segments) {
    if (file_offset >= segment.file_offset && file_offset - segment.file_offset < segment.size_bytes) {
      return Place{mapping.path, entry->second.build_id, {file_offset - segment.file_offset + segment.virtual_address}};
    }
  }
  return std::nullopt;
}

}  // namespace flarestack
