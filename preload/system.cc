// SPDX-License-Identifier: Apache-2.0
#include "preload/system.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cerrno>

#include "preload/sandbox.h"

namespace flarestack::agent {

constinit std::atomic<uint32_t> forbidden_deeds{0};

namespace {

// Below where the kernel puts mappings for the program by more than a program maps, and within what the sanitizers'
// runtimes leave to mappings.
constexpr uint64_t kApartBytes = uint64_t{2} << 40;

constinit std::atomic<uint64_t> mapped_bytes{0};  // by map_apart(), ever

}  // namespace

uint64_t top_of_own_memory() {
  return (reinterpret_cast<uint64_t>(&mapped_bytes) - kApartBytes) / kPageBytes * kPageBytes;
}

long map_apart(size_t size_bytes, int protection, int flags, int descriptor) {
  const uint64_t size = whole_pages(size_bytes);
  const uint64_t hint = top_of_own_memory() - size - mapped_bytes.fetch_add(size, std::memory_order_relaxed);
  return raw_syscall(SYS_mmap, static_cast<long>(hint), static_cast<long>(size_bytes), protection, flags, descriptor,
                     0);
}

void* map_memory(size_t size_bytes) {
  const long address = map_apart(size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  if (raw_failed(address)) {
    return nullptr;
  }
  if (sandbox_allows(Deed::kName)) {  // so that it is not taken for the program's; an error where the kernel cannot
    raw_syscall(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, address, static_cast<long>(size_bytes),
                raw_pointer("flarestack"));
  }
  return reinterpret_cast<void*>(address);
}

void unmap_memory(void* memory, size_t size_bytes) {
  raw_syscall(SYS_munmap, raw_pointer(memory), static_cast<long>(size_bytes));
}

uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  if (raw_failed(raw_syscall(SYS_clock_gettime, clock, raw_pointer(&time)))) {
    return 0;
  }
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

int32_t thread_id() { return static_cast<int32_t>(raw_syscall(SYS_gettid)); }
int32_t process_id() { return static_cast<int32_t>(raw_syscall(SYS_getpid)); }

bool safe_read(void* to, const void* from, size_t size_bytes) {
  const iovec local{to, size_bytes};
  const iovec remote{const_cast<void*>(from), size_bytes};
  return raw_syscall(SYS_process_vm_readv, process_id(), raw_pointer(&local), 1, raw_pointer(&remote), 1, 0) ==
         static_cast<long>(size_bytes);
}

int open_file(const char* path) {
  return static_cast<int>(raw_syscall(SYS_openat, AT_FDCWD, raw_pointer(path), O_RDONLY | O_CLOEXEC, 0));
}

long read_file(int descriptor, void* to, size_t size_bytes) {
  size_t done = 0;
  while (done < size_bytes) {
    const long count = raw_syscall(SYS_read, descriptor, raw_pointer(static_cast<char*>(to) + done),
                                   static_cast<long>(size_bytes - done));
    if (count == -EINTR) {
      continue;
    }
    if (count < 0) {
      return count;
    }
    if (count == 0) {
      break;
    }
    done += static_cast<size_t>(count);
  }
  return static_cast<long>(done);
}

void close_file(int descriptor) { raw_syscall(SYS_close, descriptor); }

size_t text_length(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') {
    ++length;
  }
  return length;
}

bool text_equal(const char* left, const char* right) {
  while (*left != '\0' && *left == *right) {
    ++left;
    ++right;
  }
  return *left == *right;
}

bool text_starts(const char* text, const char* prefix) {
  while (*prefix != '\0') {
    if (*text++ != *prefix++) {
      return false;
    }
  }
  return true;
}

size_t text_copy(char* to, const char* from, size_t capacity) {
  size_t length = 0;
  while (length + 1 < capacity && from[length] != '\0') {
    to[length] = from[length];
    ++length;
  }
  to[length] = '\0';
  return length;
}

const char* environment_value(const char* const* environment, const char* name) {
  const size_t length = text_length(name);
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (text_starts(*environment, name) && (*environment)[length] == '=') {
      return *environment + length + 1;
    }
  }
  return nullptr;
}

uint64_t set_signal_mask(int how, uint64_t mask) {
  uint64_t previous = 0;
  raw_syscall(SYS_rt_sigprocmask, how, raw_pointer(&mask), raw_pointer(&previous), sizeof(mask));
  return previous;
}

}  // namespace flarestack::agent
