// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/zstd_sections.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <zstd.h>

namespace flarestack {
namespace {

constexpr uint32_t kZstd = 2;  // ELFCOMPRESS_ZSTD, which elf.h of glibc 2.36 does not have
// What is unpacked at most: debug information becomes three to six times as long, and a copy in memory is nothing that
// the limits of isolated_work.h see.
constexpr uint64_t kMostBytes = 256U << 20;
constexpr uint64_t kMostRatio = 16;

uint64_t most_bytes(uint64_t file_bytes) { return kMostBytes + kMostRatio * std::min(file_bytes, uint64_t{1} << 40); }

bool read_at(int file, uint64_t offset, void* bytes, size_t size_bytes) {
  char* at = static_cast<char*>(bytes);
  while (size_bytes > 0) {
    const ssize_t got = ::pread(file, at, size_bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    offset += static_cast<uint64_t>(got);
    size_bytes -= static_cast<size_t>(got);
  }
  return true;
}

struct SectionTable {
  uint64_t file_bytes = 0;
  uint64_t offset = 0;
  std::vector<Elf64_Shdr> headers;  // empty: the file is no ELF64 with sections
};

SectionTable read_table(int file) {
  SectionTable table;
  struct stat status {};
  Elf64_Ehdr header;
  if (::fstat(file, &status) != 0 || !read_at(file, 0, &header, sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_shentsize != sizeof(Elf64_Shdr)) {
    return table;
  }
  table.file_bytes = static_cast<uint64_t>(status.st_size);
  table.offset = header.e_shoff;
  table.headers.resize(header.e_shnum);
  if (!read_at(file, table.offset, table.headers.data(), table.headers.size() * sizeof(Elf64_Shdr))) {
    table.headers.clear();
  }
  return table;
}

// Of a section that zstd compressed; else ch_size is 0.
Elf64_Chdr compression_of(int file, const SectionTable& table, const Elf64_Shdr& section) {
  Elf64_Chdr header{};
  if ((section.sh_flags & SHF_COMPRESSED) == 0 || section.sh_type == SHT_NOBITS || section.sh_size < sizeof header ||
      section.sh_offset > table.file_bytes || section.sh_size > table.file_bytes - section.sh_offset ||
      !read_at(file, section.sh_offset, &header, sizeof header) || header.ch_type != kZstd ||
      header.ch_size > most_bytes(table.file_bytes)) {
    return {};
  }
  return header;
}

// Empty: it makes no sense.
std::string unpack(int file, const Elf64_Shdr& section, uint64_t unpacked_bytes) {
  std::string packed(section.sh_size - sizeof(Elf64_Chdr), '\0');
  if (!read_at(file, section.sh_offset + sizeof(Elf64_Chdr), packed.data(), packed.size())) return {};
  std::string bytes(unpacked_bytes, '\0');
  const size_t got = ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  return got == bytes.size() ? bytes : std::string();
}

// A copy of the file to which more can be appended; none: there is no room for it.
Fd copy_of(int file, uint64_t size_bytes) {
  Fd copy(memfd_create("unpacked", MFD_CLOEXEC));
  off_t offset = 0;
  while (copy && static_cast<uint64_t>(offset) < size_bytes) {
    if (::sendfile(copy.get(), file, &offset, size_bytes - static_cast<uint64_t>(offset)) <= 0) return {};
  }
  return copy;
}

}  // namespace

bool has_zstd_sections(int file) {
  const SectionTable table = read_table(file);
  return std::any_of(table.headers.begin(), table.headers.end(),
                     [&](const Elf64_Shdr& section) { return compression_of(file, table, section).ch_size != 0; });
}

Fd unpack_zstd_sections(Fd file) {
  SectionTable table = read_table(file.get());
  std::vector<Elf64_Chdr> compressions;
  uint64_t total_bytes = 0;
  for (const Elf64_Shdr& section : table.headers) {
    compressions.push_back(compression_of(file.get(), table, section));
    total_bytes += compressions.back().ch_size;
  }
  if (total_bytes == 0 || total_bytes > most_bytes(table.file_bytes)) return file;
  Fd copy = copy_of(file.get(), table.file_bytes);
  if (!copy) return file;
  uint64_t end = table.file_bytes;
  for (size_t i = 0; i < table.headers.size(); ++i) {
    Elf64_Shdr& section = table.headers[i];
    if (compressions[i].ch_size == 0) continue;
    const std::string bytes = unpack(file.get(), section, compressions[i].ch_size);
    if (bytes.empty()) continue;
    end = (end + 15) / 16 * 16;
    if (::lseek(copy.get(), static_cast<off_t>(end), SEEK_SET) < 0 || !write_all(copy.get(), bytes, "memory").ok()) {
      return file;
    }
    section.sh_offset = end;
    section.sh_size = bytes.size();
    section.sh_flags &= ~uint64_t{SHF_COMPRESSED};
    section.sh_addralign = compressions[i].ch_addralign;
    end += bytes.size();
  }
  const std::string_view headers(reinterpret_cast<const char*>(table.headers.data()),
                                 table.headers.size() * sizeof(Elf64_Shdr));
  if (::lseek(copy.get(), static_cast<off_t>(table.offset), SEEK_SET) < 0 ||
      !write_all(copy.get(), headers, "memory").ok()) {
    return file;
  }
  ::lseek(copy.get(), 0, SEEK_SET);
  return copy;
}

}  // namespace flarestack
