// SPDX-License-Identifier: Apache-2.0
#include "profiler/image_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/fd.h"

namespace flarestack {
namespace {

template <typename T>
std::optional<T> item_at(const std::string& bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
    return std::nullopt;
  }
  T item;
  std::memcpy(&item, bytes.data() + offset, sizeof item);
  return item;
}

constexpr uint64_t kLargestImage = 64ULL << 20;

// What reads as a problem; empty: none.
std::string add_segments(ImageFile& file, const Elf64_Ehdr& header, uint64_t& dynamic_offset) {
  uint64_t end_offset = 0;
  uint64_t end_address = 0;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = item_at<Elf64_Phdr>(file.bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) {
      return "its program headers are cut off";
    }
    if (segment->p_type == PT_TLS) {
      return "it has thread-local storage";
    }
    if (segment->p_type == PT_DYNAMIC) {
      dynamic_offset = segment->p_offset;
    }
    if (segment->p_type == PT_GNU_RELRO) {
      file.relro = *segment;
    }
    if (segment->p_type != PT_LOAD) {
      continue;
    }
    const bool is_sound =
        segment->p_offset <= file.bytes.size() && segment->p_filesz <= file.bytes.size() - segment->p_offset &&
        segment->p_filesz <= segment->p_memsz && segment->p_memsz < kLargestImage && segment->p_vaddr < kLargestImage &&
        segment->p_vaddr % ImageFile::kPageBytes == segment->p_offset % ImageFile::kPageBytes &&
        ImageFile::page_down(segment->p_vaddr) >= end_address;
    if (!is_sound || (file.segments.empty() && (segment->p_vaddr != 0 || segment->p_offset != 0))) {
      return "its segments cannot be mapped";
    }
    end_address = ImageFile::page_up(segment->p_vaddr + segment->p_memsz);
    end_offset = std::max(end_offset, segment->p_offset + segment->p_filesz);
    file.segments.push_back(*segment);
  }
  file.size_bytes = end_address;
  file.bytes.resize(end_offset);
  return file.segments.empty() ? "it has no segments" : "";
}

std::string add_relocations(ImageFile& file, uint64_t dynamic_offset) {
  uint64_t table = 0;
  uint64_t table_bytes = 0;
  for (uint64_t offset = dynamic_offset;; offset += sizeof(Elf64_Dyn)) {
    const auto item = item_at<Elf64_Dyn>(file.bytes, offset);
    if (!item || item->d_tag == DT_NULL) {
      break;
    }
    switch (item->d_tag) {
      case DT_NEEDED:
        return "it needs another library";
      case DT_JMPREL:
      case DT_REL:
      case DT_RELR:
      case DT_TEXTREL:
        return "it has relocations other than R_X86_64_RELATIVE";
      case DT_RELA:
        table = item->d_un.d_ptr;
        break;
      case DT_RELASZ:
        table_bytes = item->d_un.d_val;
        break;
      default:
        break;
    }
  }
  // In the first segment, where addresses and offsets are the same.
  if (table_bytes != 0 && table + table_bytes > file.segments.front().p_filesz) {
    return "its relocations are not in its first segment";
  }
  for (uint64_t offset = table; offset < table + table_bytes; offset += sizeof(Elf64_Rela)) {
    const auto relocation = item_at<Elf64_Rela>(file.bytes, offset);
    const auto is_inside = [&](const Elf64_Phdr& segment) {
      return relocation && (segment.p_flags & PF_W) != 0 && relocation->r_offset >= segment.p_vaddr &&
             relocation->r_offset + sizeof(uint64_t) <= segment.p_vaddr + segment.p_filesz;
    };
    if (!relocation || ELF64_R_TYPE(relocation->r_info) != R_X86_64_RELATIVE ||
        std::none_of(file.segments.begin(), file.segments.end(), is_inside)) {
      return "it has relocations other than R_X86_64_RELATIVE";
    }
    file.relocations.push_back(*relocation);
  }
  return {};
}

std::string read_start(int descriptor, uint64_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  const ssize_t count = pread(descriptor, bytes.data(), bytes.size(), 0);
  bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return bytes;
}

// Up to where its segments end: what follows, debug information above all, takes ms to read while a thread is stopped.
std::string read_segments(int descriptor) {
  std::string start = read_start(descriptor, ImageFile::kPageBytes);
  const auto header = item_at<Elf64_Ehdr>(start, 0);
  uint64_t end = start.size();
  for (unsigned i = 0; header && i < header->e_phnum; ++i) {
    const auto segment = item_at<Elf64_Phdr>(start, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (segment && segment->p_offset < kLargestImage && segment->p_filesz < kLargestImage) {
      end = std::max(end, segment->p_offset + segment->p_filesz);
    }
  }
  return end > start.size() ? read_start(descriptor, end) : start;
}

}  // namespace

Result<ImageFile> ImageFile::read(const std::string& path) {
  const Result<Fd> opened = open_file(path, O_RDONLY);
  if (!opened.ok()) {
    return opened.error();
  }
  ImageFile file;
  file.bytes = read_segments(opened->get());
  const auto header = item_at<Elf64_Ehdr>(file.bytes, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_machine != EM_X86_64 || header->e_type != ET_DYN || header->e_phentsize != sizeof(Elf64_Phdr)) {
    return Error{path + ": it is no shared object for x86-64"};
  }
  file.entry = header->e_entry;
  uint64_t dynamic_offset = file.bytes.size();
  std::string problem = add_segments(file, *header, dynamic_offset);
  if (problem.empty()) {
    problem = add_relocations(file, dynamic_offset);
  }
  if (!problem.empty()) {
    return Error{path + " cannot be put into a process: " + problem};
  }
  return file;
}

std::string ImageFile::segment_bytes(const Elf64_Phdr& segment, uint64_t base) const {
  const uint64_t start = page_down(segment.p_vaddr);
  const uint64_t lead = segment.p_vaddr - start;
  std::string memory = bytes.substr(segment.p_offset - lead, lead + segment.p_filesz);
  memory.resize(page_up(segment.p_vaddr + segment.p_memsz) - start);
  for (const Elf64_Rela& relocation : relocations) {
    if (relocation.r_offset >= segment.p_vaddr && relocation.r_offset < segment.p_vaddr + segment.p_filesz) {
      const uint64_t value = base + static_cast<uint64_t>(relocation.r_addend);
      std::memcpy(memory.data() + (relocation.r_offset - start), &value, sizeof value);
    }
  }
  return memory;
}

}  // namespace flarestack
