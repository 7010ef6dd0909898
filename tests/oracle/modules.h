// SPDX-License-Identifier: Apache-2.0
// What both unwinders of the oracle know of the modules: a snapshot that is replaced outside handlers.
#pragma once

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include <cstddef>

#include "unwind/module_snapshot.h"

namespace flarestack::oracle {

struct Modules {
  static constexpr unsigned kMax = 1024;
  ModuleSnapshot snapshot;
  unsigned object_count = 0;
  unsigned segment_count = 0;
  unsigned long long changes = 0;
  dl_phdr_info objects[kMax];
  UnwindModule segments[kMax];
};

// nullptr before the first refresh. [signal]
const Modules* current_modules();

// Replaces the snapshot if modules came or went. Old ones are leaked: a handler may be reading them.
void refresh_modules();

using IteratePhdr = int (*)(int (*)(dl_phdr_info*, size_t, void*), void*);
IteratePhdr real_iterate_phdr();

// The function that ours stands in front of.
template <typename T>
T next_symbol(const char* name) {
  return reinterpret_cast<T>(dlsym(RTLD_NEXT, name));
}

// Zeroed memory that is never given back; nullptr if there is none.
inline void* map_pages(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace flarestack::oracle
