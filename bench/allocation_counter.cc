// SPDX-License-Identifier: Apache-2.0
// Counts a program's allocations, to hold a heap profiler's count against: loaded by LD_PRELOAD, it counts the calls
// of malloc and its kin that gave a block, into the first eight bytes of the file that ALLOCATION_COUNT names. A
// successful realloc is one, realloc to 0 bytes none. C++'s operator new comes through malloc.
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {
uint64_t unwritten;
uint64_t* counter = &unwritten;

void* counted(void* block) {
  if (block != nullptr) {
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
  }
  return block;
}

// What is allocated before, by the dynamic linker, is added.
[[gnu::constructor]] void start() {
  const char* path = getenv("ALLOCATION_COUNT");
  const int file = path != nullptr ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) {
    return;
  }
  void* shared = mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared != MAP_FAILED) {
    counter = static_cast<uint64_t*>(shared);
    __atomic_fetch_add(counter, unwritten, __ATOMIC_RELAXED);
  }
}
}  // namespace

extern "C" {
void* malloc(size_t size) noexcept { return counted(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) noexcept { return counted(__libc_calloc(count, size)); }
void* realloc(void* block, size_t size) noexcept { return counted(__libc_realloc(block, size)); }
void* memalign(size_t alignment, size_t size) noexcept { return counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(size_t alignment, size_t size) noexcept { return counted(__libc_memalign(alignment, size)); }
void* valloc(size_t size) noexcept {
  return counted(__libc_memalign(static_cast<size_t>(sysconf(_SC_PAGESIZE)), size));
}

int posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
    return EINVAL;
  }
  const int before = errno;
  void* got = counted(__libc_memalign(alignment, size));
  errno = before;
  if (got == nullptr) {
    return ENOMEM;
  }
  *block = got;
  return 0;
}
}
