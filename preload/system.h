// SPDX-License-Identifier: Apache-2.0
// The system calls and little string functions that the agent lives on. Nothing here touches errno or libc. All
// [signal].
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>

#include "base/raw_syscall.h"

namespace flarestack::agent {

inline constexpr uint64_t kPageBytes = 4096;

// What the kernel maps for so many bytes.
inline uint64_t whole_pages(size_t size_bytes) { return (size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

// mmap where the program's next mappings do not go, so that theirs are where they would be without us: a library that
// is unloaded and loaded again finds its address free. The address, or a negative errno. Where something is mapped
// there already, or the program's mappings are so low that there is no such place, the kernel chooses.
long map_apart(size_t size_bytes, int protection, int flags, int descriptor);

// What map_apart() maps is below this address. [init], and in a fork's child
uint64_t top_of_own_memory();
// Anonymous private zeroed memory, by map_apart(), or nullptr. Never from the program's heap.
void* map_memory(size_t size_bytes);
void unmap_memory(void* memory, size_t size_bytes);

// A clock in ns, by system call: the vdso's is code of the target, and slower ones than this are not asked for. 0 on
// failure.
uint64_t clock_ns(clockid_t clock);

int32_t thread_id();
int32_t process_id();

// Copies `size_bytes` from this process's own memory; false, and nothing certain in `to`, if any of it is unreadable.
bool safe_read(void* to, const void* from, size_t size_bytes);

// Opens for reading, or a negative value.
int open_file(const char* path);
// As many bytes as there are, up to `size_bytes`; negative on failure.
long read_file(int descriptor, void* to, size_t size_bytes);
void close_file(int descriptor);

size_t text_length(const char* text);
bool text_equal(const char* left, const char* right);
// Whether `text` begins with `prefix`.
bool text_starts(const char* text, const char* prefix);
// Copies with a terminating zero, cut to `capacity`. Returns the length copied.
size_t text_copy(char* to, const char* from, size_t capacity);

// The value of `name` in an environment block, or nullptr.
const char* environment_value(const char* const* environment, const char* name);

// Sets the thread's signal mask as rt_sigprocmask does; the 64-bit mask it had. Bit n-1 is signal n.
uint64_t set_signal_mask(int how, uint64_t mask);
inline constexpr uint64_t kAllSignals = ~uint64_t{0};

}  // namespace flarestack::agent
