// SPDX-License-Identifier: Apache-2.0
#include "wire/loadable.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstddef>

#include "base/raw_syscall.h"

namespace flarestack {
namespace {

constexpr size_t kPathBytes = 256;
constexpr char kLoaderName[] = "ld-linux-x86-64.so";

long read_at(long descriptor, void* to, size_t size_bytes, uint64_t file_offset) {
  return raw_syscall(SYS_pread64, descriptor, raw_pointer(to), static_cast<long>(size_bytes),
                     static_cast<long>(file_offset));
}

bool contains(const char* text, const char* part) {
  for (; *text != '\0'; ++text) {
    size_t i = 0;
    while (part[i] != '\0' && text[i] == part[i]) {
      ++i;
    }
    if (part[i] == '\0') {
      return true;
    }
  }
  return false;
}

// Reads the interpreter's path of a "#!" line into `path` (kPathBytes long).
bool script_interpreter(long descriptor, char* path) {
  path[0] = path[1] = '\0';  // the analyser does not see that the kernel writes them
  const long size = read_at(descriptor, path, kPathBytes - 1, 0);
  if (size < 4 || path[0] != '#' || path[1] != '!') {
    return false;
  }
  path[size] = '\0';
  size_t from = 2;
  while (path[from] == ' ' || path[from] == '\t') {
    ++from;
  }
  size_t to = 0;
  while (path[from] != '\0' && path[from] != ' ' && path[from] != '\t' && path[from] != '\n') {
    path[to++] = path[from++];
  }
  path[to] = '\0';
  return to != 0;
}

LoadVerdict check_elf(long descriptor) {
  Elf64_Ehdr header{};  // the file may be shorter
  if (read_at(descriptor, &header, sizeof(header), 0) < static_cast<long>(EI_NIDENT) || header.e_ident[0] != ELFMAG0 ||
      header.e_ident[1] != ELFMAG1 || header.e_ident[2] != ELFMAG2 || header.e_ident[3] != ELFMAG3) {
    return LoadVerdict::kNotFound;  // a file of text without #!, which shells run themselves
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64) {
    return LoadVerdict::kOther32Bit;
  }
  for (unsigned i = 0; i < header.e_phnum && i < 64; ++i) {
    Elf64_Phdr segment;
    if (read_at(descriptor, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment)) != sizeof(segment)) {
      return LoadVerdict::kNotFound;
    }
    if (segment.p_type == PT_INTERP) {
      char loader[kPathBytes];
      const size_t size_bytes = segment.p_filesz < kPathBytes - 1 ? segment.p_filesz : kPathBytes - 1;
      const long size = read_at(descriptor, loader, size_bytes, segment.p_offset);
      loader[size > 0 ? size : 0] = '\0';
      return contains(loader, kLoaderName) ? LoadVerdict::kLoadable : LoadVerdict::kOtherLibc;
    }
  }
  return LoadVerdict::kStatic;
}

// Whether the loader will be told that privileges were raised (AT_SECURE; Linux, security/commoncap.c): it then ignores
// a preload path with a slash in silence. AT_SECURE by a security module is not seen here.
bool raises_privileges(long descriptor) {
  const auto user = static_cast<uid_t>(raw_syscall(SYS_getuid));
  const auto group = static_cast<gid_t>(raw_syscall(SYS_getgid));
  if (user != static_cast<uid_t>(raw_syscall(SYS_geteuid)) || group != static_cast<gid_t>(raw_syscall(SYS_getegid))) {
    return true;
  }
  struct stat status {};
  if (raw_failed(raw_syscall(SYS_fstat, descriptor, raw_pointer(&status)))) {
    return false;
  }
  const bool setuid = (status.st_mode & S_ISUID) != 0 && status.st_uid != user;
  const bool setgid = (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 && status.st_gid != group;
  const bool capable =
      user != 0 && !raw_failed(raw_syscall(SYS_fgetxattr, descriptor, raw_pointer("security.capability"), 0, 0));
  return setuid || setgid || capable;
}

}  // namespace

LoadVerdict check_loadable(const char* path) {
  char script[kPathBytes];
  for (int level = 0; level < 5; ++level) {
    const long descriptor = raw_syscall(SYS_openat, AT_FDCWD, raw_pointer(path), O_RDONLY | O_CLOEXEC, 0);
    if (raw_failed(descriptor)) {
      // An executable that may not be read (mode 0711) is loaded all the same.
      return descriptor == -13 ? LoadVerdict::kLoadable : LoadVerdict::kNotFound;
    }
    const bool is_script = script_interpreter(descriptor, script);
    const LoadVerdict verdict = is_script
                                    ? LoadVerdict::kNotFound
                                    : (raises_privileges(descriptor) ? LoadVerdict::kSetuid : check_elf(descriptor));
    raw_syscall(SYS_close, descriptor);
    if (!is_script) {
      return verdict;
    }
    path = script;
  }
  return LoadVerdict::kNotFound;
}

const char* load_verdict_text(LoadVerdict verdict) {
  switch (verdict) {
    case LoadVerdict::kLoadable:
      return "the agent was loaded";
    case LoadVerdict::kNotFound:
      return "not an executable file";
    case LoadVerdict::kStatic:
      return "statically linked";
    case LoadVerdict::kOther32Bit:
      return "not an x86-64 program";
    case LoadVerdict::kOtherLibc:
      return "it runs on another C library than glibc";
    case LoadVerdict::kSetuid:
      return "setuid or setgid: the loader ignores LD_PRELOAD";
    case LoadVerdict::kNoSession:
      return "its agent could not reach the recorder";
    case LoadVerdict::kAgentHidden:
      return "the agent cannot be opened from there (chroot, another user, or no descriptor left)";
    case LoadVerdict::kNoRoom:
      return "its memory is limited to less than recording needs (ulimit -v, -d)";
    case LoadVerdict::kTraced:
      return "a debugger or another tracer follows it, which would be told of every sample";
  }
  return "unknown";
}

}  // namespace flarestack
