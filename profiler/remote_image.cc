// SPDX-License-Identifier: Apache-2.0
#include "profiler/remote_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/fd.h"
#include "profiler/image_file.h"
#include "profiler/process_maps.h"
#include "profiler/remote_place.h"
#include "profiler/stopped_process.h"

namespace flarestack {
namespace {

constexpr char kFileName[] = "flarestack-agent";
constexpr unsigned kExecutable = 0x10;  // MFD_EXEC, Linux 6.3
constexpr auto kNoDescriptor = ~uint64_t{0};

// A system call whose failure ends the loading.
Result<uint64_t> must(RemoteThread& thread, const char* what, long number, std::array<uint64_t, 6> arguments) {
  const Result<int64_t> value = thread.syscall(number, arguments);
  if (!value.ok()) {
    return value.error();
  }
  if (*value < 0) {
    return errno_error(fmt::format("{} in the process", what), static_cast<int>(-*value));
  }
  return static_cast<uint64_t>(*value);
}

int protection_of(const Elf64_Phdr& segment) {
  return ((segment.p_flags & PF_R) != 0 ? PROT_READ : 0) | ((segment.p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
         ((segment.p_flags & PF_X) != 0 ? PROT_EXEC : 0);
}

bool is_ours(int32_t pid, uint64_t descriptor) {
  std::error_code error;
  const auto link = std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", pid, descriptor), error);
  return !error && link == kRemoteImageName;
}

// The process's descriptor as one of our own.
Result<Fd> fetch(int32_t pid, uint64_t descriptor) {
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  Fd file(process ? static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), descriptor, 0)) : -1);
  return file ? Result<Fd>(std::move(file)) : open_file(fmt::format("/proc/{}/fd/{}", pid, descriptor), O_RDWR);
}

// A memory file of the process's with these bytes. `name_at`: the process's memory, ours to write to.
Result<uint64_t> make_file(RemoteThread& thread, int32_t pid, const std::string& bytes, uint64_t name_at) {
  if (!thread.write(name_at, kFileName, sizeof kFileName)) {
    return Error{fmt::format("the memory of process {} cannot be written", pid)};
  }
  uint64_t flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | kExecutable;
  Result<int64_t> made = thread.syscall(SYS_memfd_create, {name_at, flags});
  if (made.ok() && *made == -EINVAL) {
    flags &= ~uint64_t{kExecutable};
    made = thread.syscall(SYS_memfd_create, {name_at, flags});
  }
  if (!made.ok() || *made < 0) {
    return made.ok() ? errno_error("make a memory file in the process", static_cast<int>(-*made)) : made.error();
  }
  const auto descriptor = static_cast<uint64_t>(*made);
  const Result<Fd> file = fetch(pid, descriptor);
  Result<void> written = file.ok() ? Result<void>{} : file.error();
  if (written.ok()) {
    written = is_ours(pid, descriptor) ? write_all(file->get(), bytes, "memory file")
                                       : Error{fmt::format("process {} closes descriptors that are not its own", pid)};
  }
  if (!written.ok()) {
    if (is_ours(pid, descriptor)) {
      (void)thread.syscall(SYS_close, {descriptor}).ok();
    }
    return written.error();
  }
  fcntl(file->get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return descriptor;
}

Result<void> map_segment(RemoteThread& thread, const ImageFile& file, const Elf64_Phdr& segment, uint64_t base,
                         uint64_t descriptor) {
  const uint64_t start = ImageFile::page_down(segment.p_vaddr);
  const uint64_t file_end = ImageFile::page_up(segment.p_vaddr + segment.p_filesz);
  const uint64_t end = ImageFile::page_up(segment.p_vaddr + segment.p_memsz);
  const auto protection = static_cast<uint64_t>(protection_of(segment));
  if (segment.p_filesz != 0) {
    const Result<uint64_t> mapped = must(thread, "map the agent", SYS_mmap,
                                         {base + start, file_end - start, protection, MAP_PRIVATE | MAP_FIXED,
                                          descriptor, ImageFile::page_down(segment.p_offset)});
    if (!mapped.ok()) {
      return mapped.error();
    }
  }
  if (end > file_end) {
    const Result<uint64_t> mapped =
        must(thread, "map the agent's data", SYS_mmap,
             {base + file_end, end - file_end, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, kNoDescriptor, 0});
    if (!mapped.ok()) {
      return mapped.error();
    }
  }
  if ((segment.p_flags & PF_W) != 0 && segment.p_filesz != 0) {
    const std::string memory = file.segment_bytes(segment, base);
    if (!thread.write(base + start, memory.data(), file_end - start)) {
      return Error{"the agent's data cannot be written"};
    }
  }
  return {};
}

uint64_t relro_start(const ImageFile& file) { return ImageFile::page_down(file.relro.p_vaddr); }
uint64_t relro_end(const ImageFile& file) { return ImageFile::page_down(file.relro.p_vaddr + file.relro.p_memsz); }

Result<void> map_image(RemoteThread& thread, const ImageFile& file, uint64_t base, uint64_t descriptor) {
  for (const Elf64_Phdr& segment : file.segments) {
    if (Result<void> done = map_segment(thread, file, segment, base, descriptor); !done.ok()) {
      return done;
    }
  }
  // The last step: find_remote_image() knows by it that the image is complete.
  if (relro_end(file) > relro_start(file)) {
    const Result<uint64_t> done = must(thread, "protect the agent's data", SYS_mprotect,
                                       {base + relro_start(file), relro_end(file) - relro_start(file), PROT_READ});
    if (!done.ok()) {
      return done.error();
    }
  }
  return {};
}

RemoteImage image_at(const ImageFile& file, uint64_t base) { return {base, base + file.entry, file.size_bytes}; }

bool is_read_only(const ProcessMaps& maps, uint64_t start, uint64_t end) {
  for (const ProcessMaps::Mapping& mapping : maps.mappings()) {
    if (start < end && mapping.start <= start && start < mapping.end) {
      if (mapping.writable || mapping.path != kRemoteImageName) {
        return false;
      }
      start = mapping.end;
    }
  }
  return start >= end;
}

bool is_same(int32_t pid, const ProcessMaps& maps, const ImageFile& file, uint64_t base) {
  if (!is_read_only(maps, base + relro_start(file), base + relro_end(file))) {
    return false;
  }
  for (const Elf64_Phdr& segment : file.segments) {
    if ((segment.p_flags & PF_W) != 0) {
      continue;
    }
    std::string memory(segment.p_filesz, '\0');
    if (read_process_memory(pid, base + segment.p_vaddr, memory.data(), memory.size()) != memory.size() ||
        std::memcmp(memory.data(), file.bytes.data() + segment.p_offset, memory.size()) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<RemoteImage> load_remote_image(RemoteThread& thread, int32_t pid, const ImageFile& file, uint64_t address_hint) {
  if (address_hint == 0) {
    const Result<ProcessMaps> maps = ProcessMaps::read(pid);
    if (!maps.ok()) {
      return maps.error();
    }
    address_hint = place_apart(*maps, file.size_bytes);
  }
  const Result<uint64_t> base =
      must(thread, "make room for the agent", SYS_mmap,
           {address_hint, file.size_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, kNoDescriptor, 0});
  if (!base.ok()) {
    return base.error();
  }
  const Result<uint64_t> descriptor = make_file(thread, pid, file.bytes, *base);
  if (!descriptor.ok()) {
    return descriptor.error();
  }
  const Result<void> mapped = map_image(thread, file, *base, *descriptor);
  if (is_ours(pid, *descriptor)) {
    (void)thread.syscall(SYS_close, {*descriptor}).ok();
  }
  if (!mapped.ok()) {
    return mapped.error();
  }
  return image_at(file, *base);
}

std::optional<RemoteImage> find_remote_image(int32_t pid, const ImageFile& file) {
  const Result<ProcessMaps> maps = ProcessMaps::read(pid);
  if (!maps.ok()) {
    return std::nullopt;
  }
  for (const ProcessMaps::Mapping& mapping : maps->mappings()) {
    if (mapping.path == kRemoteImageName && mapping.file_offset == 0 && is_same(pid, *maps, file, mapping.start)) {
      return image_at(file, mapping.start);
    }
  }
  return std::nullopt;
}

}  // namespace flarestack
