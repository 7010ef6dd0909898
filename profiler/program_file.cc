// SPDX-License-Identifier: Apache-2.0
#include "profiler/program_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <gelf.h>

#include "base/fd.h"
#include "profiler/elf_sections.h"

namespace flarestack {
namespace {

constexpr uint64_t kMaxTableBytes = uint64_t{1} << 29;

std::optional<uint64_t> auxiliary_value(int32_t pid, uint64_t type) {
  const Result<std::string> vector = read_file(fmt::format("/proc/{}/auxv", pid));
  Elf64_auxv_t entry;
  for (size_t at = 0; vector.ok() && at + sizeof(entry) <= vector->size(); at += sizeof(entry)) {
    std::memcpy(&entry, vector->data() + at, sizeof(entry));
    if (entry.a_type == type) {
      return entry.a_un.a_val;
    }
  }
  return std::nullopt;
}

bool has_interpreter(Elf* elf) {
  size_t count = 0;
  for (size_t i = 0; elf_getphdrnum(elf, &count) == 0 && i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) != nullptr && segment.p_type == PT_INTERP) {
      return true;
    }
  }
  return false;
}

// What tells an executable from a library, a loader for instance.
bool says_executable(Elf* elf) {
  GElf_Shdr header;
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNAMIC || header.sh_size > kMaxTableBytes) {
      continue;
    }
    Elf_Data* data = elf_getdata(section, nullptr);
    GElf_Dyn entry;
    for (int i = 0; data != nullptr && gelf_getdyn(data, i, &entry) != nullptr && entry.d_tag != DT_NULL; ++i) {
      if (entry.d_tag == DT_FLAGS_1) {
        return (entry.d_un.d_val & DF_1_PIE) != 0;
      }
    }
  }
  return false;
}

void find_eh_frame(Elf* elf, uint64_t bias, AttachProgram& program) {
  const std::optional<GElf_Shdr> section = section_named(elf, ".eh_frame");
  if (section && (section->sh_flags & SHF_ALLOC) != 0) {
    program.eh_frame = section->sh_addr + bias;
    program.eh_frame_bytes = section->sh_size;
  }
}

// glibc, malloc/arena.c. What is not near the other is another function of the name.
void add_cleanup(const GElf_Sym& symbol, uint64_t bias, AttachProgram& program) {
  constexpr uint64_t kNearBytes = 64 << 10;
  const uint64_t start = symbol.st_value + bias;
  const uint64_t known_end = program.cleanup + program.cleanup_bytes;
  if (symbol.st_size > kNearBytes) {
    return;
  }
  if (program.cleanup_bytes == 0) {
    program.cleanup = start;
    program.cleanup_bytes = symbol.st_size;
  } else if (start + kNearBytes > program.cleanup && start < program.cleanup + kNearBytes) {
    program.cleanup = std::min(program.cleanup, start);
    program.cleanup_bytes = std::max(known_end, start + symbol.st_size) - program.cleanup;
  }
}

// Global ones: a program may have a static function of any name.
void find_functions(Elf* elf, uint64_t bias, AttachProgram& program) {
  GElf_Shdr header;
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB || header.sh_size > kMaxTableBytes) {
      continue;
    }
    program.has_names = 1;
    Elf_Data* data = elf_getdata(section, nullptr);
    GElf_Sym symbol;
    for (int i = 0; data != nullptr && gelf_getsym(data, i, &symbol) != nullptr; ++i) {
      if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) {
        continue;
      }
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name != nullptr && (name == std::string_view("__malloc_arena_thread_freeres") ||
                              name == std::string_view("tcache_thread_shutdown"))) {
        add_cleanup(symbol, bias, program);
      }
      if (name != nullptr && name == std::string_view("libc_start_main_stage2")) {
        program.lacks_cfi = 1;
      }
      if (GELF_ST_BIND(symbol.st_info) == STB_LOCAL) {
        continue;
      }
      for (uint32_t wanted = 0; name != nullptr && wanted < kProgramFunctionCount; ++wanted) {
        if (std::strcmp(name, kProgramFunctions[wanted]) == 0) {
          program.functions[wanted] = symbol.st_value + bias;
        }
      }
    }
  }
}

}  // namespace

bool is_static_program(Elf* elf) {
  GElf_Ehdr header;
  return gelf_getehdr(elf, &header) != nullptr && !has_interpreter(elf) &&
         (header.e_type == ET_EXEC || (header.e_type == ET_DYN && says_executable(elf)));
}

uint64_t entry_of(int32_t pid) { return auxiliary_value(pid, AT_ENTRY).value_or(0); }

AttachProgram program_of(int32_t pid) {
  AttachProgram program{};
  const Result<Fd> file = open_file(fmt::format("/proc/{}/exe", pid), O_RDONLY);
  const std::optional<uint64_t> entry = auxiliary_value(pid, AT_ENTRY);
  if (!file.ok() || !entry) {
    return program;
  }
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(file->get(), ELF_C_READ, nullptr);
  GElf_Ehdr header;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 &&
      gelf_getehdr(elf, &header) != nullptr && header.e_machine == EM_X86_64) {
    const uint64_t bias = *entry - header.e_entry;
    program.is_static = is_static_program(elf) ? 1 : 0;
    find_eh_frame(elf, bias, program);
    if (program.is_static != 0) {
      find_functions(elf, bias, program);
    }
  }
  elf_end(elf);
  return program;
}

}  // namespace flarestack
