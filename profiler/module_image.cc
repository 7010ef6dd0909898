// SPDX-License-Identifier: Apache-2.0
#include "profiler/module_image.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include <gelf.h>
#include <libelf.h>

#include "base/fd.h"
#include "profiler/elf_sections.h"
#include "unwind/frame_index.h"

namespace flarestack {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kMaxImageBytes = uint64_t{4} << 30;  // of address space; only what is read is memory

bool read_at(int descriptor, void* to, uint64_t size_bytes, uint64_t file_offset) {
  auto* at = static_cast<char*>(to);
  while (size_bytes != 0) {
    const ssize_t count = pread(descriptor, at, size_bytes, static_cast<off_t>(file_offset));
    if (count <= 0) {
      return false;
    }
    at += count;
    size_bytes -= static_cast<uint64_t>(count);
    file_offset += static_cast<uint64_t>(count);
  }
  return true;
}

bool is_elf64(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_phentsize == sizeof(Elf64_Phdr) && header.e_phnum < 256;
}

// The NT_GNU_BUILD_ID note among the bytes of a PT_NOTE segment, empty if it is not there.
std::vector<uint8_t> build_id_in(const std::vector<uint8_t>& notes) {
  size_t at = 0;
  while (at + sizeof(Elf64_Nhdr) <= notes.size()) {
    Elf64_Nhdr note;
    std::memcpy(&note, &notes[at], sizeof(note));
    const size_t name = at + sizeof(note);
    const size_t description = name + (size_t{note.n_namesz} + 3) / 4 * 4;
    const size_t end = description + note.n_descsz;
    if (end > notes.size()) {
      break;
    }
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(&notes[name], "GNU", 4) == 0) {
      return {notes.begin() + static_cast<ptrdiff_t>(description), notes.begin() + static_cast<ptrdiff_t>(end)};
    }
    at = description + (size_t{note.n_descsz} + 3) / 4 * 4;
  }
  return {};
}

// .eh_frame. All zero: there is none.
GElf_Shdr eh_frame_section(int descriptor) {
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(descriptor, ELF_C_READ, nullptr);
  const std::optional<GElf_Shdr> section =
      elf != nullptr && gelf_getclass(elf) == ELFCLASS64 ? section_named(elf, ".eh_frame") : std::nullopt;
  elf_end(elf);
  return section && (section->sh_flags & SHF_ALLOC) != 0 ? *section : GElf_Shdr{};
}

bool holds(const Elf64_Phdr& segment, uint64_t address) {
  return address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz;
}

}  // namespace

ModuleImage::~ModuleImage() {
  if (mapped_bytes_ != 0) {
    munmap(base_, mapped_bytes_);
  }
}

Result<std::shared_ptr<const ModuleImage>> ModuleImage::load(const std::string& path,
                                                             const std::vector<uint8_t>& expected_build_id) {
  const Result<Fd> file = open_file(path, O_RDONLY);
  if (!file.ok()) {
    return file.error();
  }
  const int descriptor = file->get();
  Elf64_Ehdr header{};
  if (!read_at(descriptor, &header, sizeof(header), 0) || !is_elf64(header)) {
    return Error{path + ": not a 64-bit ELF file"};
  }
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  if (!read_at(descriptor, segments.data(), segments.size() * sizeof(Elf64_Phdr), header.e_phoff)) {
    return Error{path + ": its program headers cannot be read"};
  }
  std::shared_ptr<ModuleImage> image(new ModuleImage);
  image->first_address_ = UINT64_MAX;
  std::vector<uint8_t> build_id;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_GNU_EH_FRAME) {
      image->eh_frame_hdr_ = segment.p_vaddr;
      image->eh_frame_hdr_size_ = segment.p_memsz;
    } else if (segment.p_type == PT_LOAD && segment.p_vaddr + segment.p_memsz >= segment.p_vaddr) {
      image->first_address_ = std::min(image->first_address_, segment.p_vaddr / kPageBytes * kPageBytes);
      image->end_address_ = std::max(image->end_address_, segment.p_vaddr + segment.p_memsz);
    } else if (segment.p_type == PT_NOTE && build_id.empty() && segment.p_filesz < 65536) {
      std::vector<uint8_t> notes(segment.p_filesz);
      if (read_at(descriptor, notes.data(), notes.size(), segment.p_offset)) {
        build_id = build_id_in(notes);
      }
    }
  }
  if (image->first_address_ >= image->end_address_ || image->end_address_ - image->first_address_ > kMaxImageBytes) {
    return Error{path + ": its segments make no sense"};
  }
  if (!expected_build_id.empty() && build_id != expected_build_id) {
    return Error{path + ": the file is not the one that the program has loaded (its build id differs)"};
  }
  const GElf_Shdr eh_frame = image->eh_frame_hdr_ == 0 ? eh_frame_section(descriptor) : GElf_Shdr{};
  const uint64_t cfi = image->eh_frame_hdr_ != 0 ? image->eh_frame_hdr_ : eh_frame.sh_addr;
  const uint64_t size_bytes = image->end_address_ - image->first_address_;
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return errno_error("map memory for " + path);
  }
  image->base_ = static_cast<char*>(memory);
  image->mapped_bytes_ = size_bytes;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && (holds(segment, cfi) || (segment.p_flags & PF_X) != 0) &&
        segment.p_filesz <= segment.p_memsz &&
        !read_at(descriptor, image->base_ + (segment.p_vaddr - image->first_address_), segment.p_filesz,
                 segment.p_offset)) {
      return Error{path + ": it is cut short"};
    }
  }
  image->index_frames_of(eh_frame.sh_addr, eh_frame.sh_size);
  return std::shared_ptr<const ModuleImage>(std::move(image));
}

void ModuleImage::index_frames_of(uint64_t eh_frame, uint64_t size_bytes) {
  const UnwindModule all = unwind_module(first_address_, end_address_, 0);
  frame_index_.resize(index_frames(all, eh_frame, size_bytes, nullptr, 0));
  index_frames(all, eh_frame, size_bytes, frame_index_.data(), frame_index_.size());
}

Result<std::shared_ptr<const ModuleImage>> ModuleImage::vdso() {
  const unsigned long address = getauxval(AT_SYSINFO_EHDR);
  if (address == 0) {
    return Error{"this kernel has no vdso"};
  }
  auto* bytes = reinterpret_cast<char*>(address);
  Elf64_Ehdr header{};
  std::memcpy(&header, bytes, sizeof(header));
  std::shared_ptr<ModuleImage> image(new ModuleImage);
  image->base_ = bytes;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    std::memcpy(&segment, bytes + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type == PT_GNU_EH_FRAME) {
      image->eh_frame_hdr_ = segment.p_vaddr;
      image->eh_frame_hdr_size_ = segment.p_memsz;
    } else if (segment.p_type == PT_LOAD) {
      image->end_address_ = std::max(image->end_address_, segment.p_vaddr + segment.p_memsz);
    }
  }
  return std::shared_ptr<const ModuleImage>(std::move(image));
}

UnwindModule ModuleImage::unwind_module(uint64_t text_start, uint64_t text_end, uint64_t load_bias) const {
  UnwindModule module;
  module.text_start = text_start;
  module.text_end = text_end;
  module.eh_frame_hdr = eh_frame_hdr_ != 0 ? eh_frame_hdr_ + load_bias : 0;
  module.eh_frame_hdr_size = eh_frame_hdr_size_;
  module.index = frame_index_.empty() ? nullptr : frame_index_.data();
  module.index_count = frame_index_.size();
  module.index_bias = load_bias;
  module.read_start = first_address_ + load_bias;
  module.read_end = end_address_ + load_bias;
  module.local_delta = static_cast<int64_t>(reinterpret_cast<uint64_t>(base_) - first_address_ - load_bias);
  return module;
}

}  // namespace flarestack
