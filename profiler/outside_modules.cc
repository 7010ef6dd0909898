// SPDX-License-Identifier: Apache-2.0
#include "profiler/outside_modules.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/fd.h"
#include "unwind/byte_cursor.h"

namespace flarestack {
namespace {

constexpr char kVdso[] = "[vdso]";

// Of a process that may be gone already.
Result<Fd> open_mapped_file(int32_t pid, const ProcessMaps::Mapping& mapping) {
  Result<Fd> file = ProcessMaps::open_file_of(pid, mapping);
  if (file.ok()) {
    return file;
  }
  Result<Fd> named = open_file(mapping.path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  const bool is_it =
      named.ok() && fstat(named->get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == mapping.inode;
  return is_it ? std::move(named) : std::move(file);
}

}  // namespace

const CodeFiles::File& CodeFiles::of(int32_t pid, const ProcessMaps::Mapping& mapping) {
  const auto [entry, added] = files_.try_emplace({mapping.path, mapping.inode});
  File& file = entry->second;
  if (!added) {
    return file;
  }
  if (mapping.path == kVdso) {
    const auto image = ModuleImage::vdso();
    file.image = image.ok() ? *image : nullptr;
    file.layout.segments = {{0, mapping.end - mapping.start, 0}};
  } else if (const Result<Fd> descriptor = open_mapped_file(pid, mapping); descriptor.ok()) {
    file.layout = ElfLayout::read(descriptor->get());
    const auto image = ModuleImage::load(fmt::format("/proc/self/fd/{}", descriptor->get()), {});
    file.image = image.ok() ? *image : nullptr;
  }
  return file;
}

OutsideModules OutsideModules::copy() const {
  OutsideModules result(*this);
  result.snapshot_ = {};  // it points into this one
  return result;
}

void OutsideModules::read(int32_t pid) {
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  if (maps.ok()) {
    for (const ProcessMaps::Mapping& mapping : maps->mappings()) {
      add(pid, mapping);
    }
  }
}

void OutsideModules::add(int32_t pid, const ProcessMaps::Mapping& mapping) {
  auto at = pieces_.lower_bound(mapping.start);
  if (at != pieces_.begin() && std::prev(at)->second.end > mapping.start) {
    --at;
  }
  if (at != pieces_.end() && at->first == mapping.start && at->second.end == mapping.end &&
      at->second.file_offset == mapping.file_offset && at->second.file == std::pair(mapping.path, mapping.inode)) {
    return;
  }
  const bool replaces = at != pieces_.end() && at->first < mapping.end;
  const bool is_code = mapping.executable && (mapping.path.starts_with('/') || mapping.path == kVdso);
  if (!replaces && !is_code) {
    return;
  }
  ++generation_;
  while (at != pieces_.end() && at->first < mapping.end) {
    map_.remove(at->second.number, generation_);
    at = pieces_.erase(at);
  }
  if (!is_code) {
    return;
  }
  const CodeFiles::File& file = files_->of(pid, mapping);
  const std::optional<uint64_t> address =
      file.layout.virtual_address_of(mapping.path == kVdso ? 0 : mapping.file_offset);
  if (!address) {
    return;  // no ELF file, or one that is gone: its code has no module
  }
  ModuleMap::Segment segment;
  segment.agent_id = ++last_number_;
  segment.text_start = mapping.start;
  segment.text_end = mapping.end;
  segment.load_bias = mapping.start - *address;
  segment.path = mapping.path.substr(0, mapping.path.rfind(" (deleted)"));
  segment.build_id = file.layout.build_id;
  segment.module = tables_->module(segment.path, segment.build_id);
  segment.added = generation_;
  pieces_.emplace(mapping.start, Piece{mapping.end,
                                       mapping.file_offset,
                                       {mapping.path, mapping.inode},
                                       last_number_,
                                       segment.load_bias,
                                       file.layout.is_go,
                                       file.image});
  map_.add(std::move(segment));
}

void OutsideModules::clear() {
  ++generation_;
  for (const auto& [start, piece] : pieces_) {
    map_.remove(piece.number, generation_);
  }
  pieces_.clear();
  map_.forget_before(generation_);
}

const ModuleSnapshot& OutsideModules::snapshot() {
  if (snapshot_.generation != generation_) {
    unwind_modules_.clear();
    for (const auto& [start, piece] : pieces_) {
      if (piece.image != nullptr) {
        unwind_modules_.push_back(piece.image->unwind_module(start, piece.end, piece.load_bias));
      }
    }
    snapshot_ = {generation_, unwind_modules_.size(), unwind_modules_.data()};
  }
  return snapshot_;
}

uint64_t OutsideModules::call_target(uint64_t return_address) {
  constexpr uint64_t kCallBytes = 5;
  constexpr uint8_t kCallRelative = 0xe8;  // Intel SDM, volume 2, CALL: E8 cd
  const UnwindModule* module = snapshot().find(return_address - kCallBytes);
  if (module == nullptr) {
    return 0;
  }
  ByteCursor call(*module, return_address - kCallBytes, return_address);
  const bool is_call = call.u8() == kCallRelative;
  const auto distance = call.fixed<int32_t>();
  return is_call && call.ok() ? return_address + static_cast<uint64_t>(int64_t{distance}) : 0;
}

bool OutsideModules::has_go() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const auto& each) { return each.second.is_go; });
}

bool OutsideModules::is_go(uint64_t address) const {
  const auto after = pieces_.upper_bound(address);
  return after != pieces_.begin() && address < std::prev(after)->second.end && std::prev(after)->second.is_go;
}

}  // namespace flarestack
