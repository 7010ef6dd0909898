// SPDX-License-Identifier: Apache-2.0
#include "preload/heap_provider.h"

#include <type_traits>

#include "preload/agent.h"
#include "preload/heap.h"
#include "preload/modules.h"
#include "preload/next_symbol.h"
#include "preload/patches.h"

namespace flarestack::agent {

constinit HeapProvider heap_provider_table{};
constinit std::atomic<bool> heap_provider_resolved{false};

// Two threads may both resolve: they write the same values.
void resolve_heap_provider() {
  HeapProvider& provider = heap_provider_table;
  const r_debug* debug = the_agent.is_attached ? the_agent.debug : loader_debug();
  find_next(provider.malloc, debug, "malloc");
  find_next(provider.calloc, debug, "calloc");
  find_next(provider.realloc, debug, "realloc");
  find_next(provider.reallocarray, debug, "reallocarray");
  find_next(provider.free, debug, "free");
  find_next(provider.posix_memalign, debug, "posix_memalign");
  find_next(provider.aligned_alloc, debug, "aligned_alloc");
  find_next(provider.memalign, debug, "memalign");
  find_next(provider.valloc, debug, "valloc");
  find_next(provider.pvalloc, debug, "pvalloc");
  find_next(provider.mmap, debug, "mmap");
  find_next(provider.mmap64, debug, "mmap64");
  find_next(provider.munmap, debug, "munmap");
  provider.mremap = next_symbol(debug, "mremap");
  find_next(provider.brk, debug, "brk");
  find_next(provider.sbrk, debug, "sbrk");
  heap_provider_resolved.store(true, std::memory_order_release);
}

void settle_heap_provider() {
  HeapProvider provider = heap_provider();
  const SnapshotReader snapshot;
  ProviderCode& code = heap_provider_code;
  code.count = 0;  // of an earlier attach
  // Behind the executable, in which the program and its allocator would be one module, and behind ourselves.
  const link_map* map = the_agent.debug != nullptr ? the_agent.debug->r_map : nullptr;
  for (map = map != nullptr ? map->l_next : nullptr; map != nullptr && code.count < ProviderCode::kMost;
       map = map->l_next) {
    const auto entry = reinterpret_cast<uint64_t>(map->l_ld == _DYNAMIC ? nullptr : allocator_in(*map));
    if (const UnwindModule* module = entry != 0 ? (*snapshot).find(entry) : nullptr; module != nullptr) {
      code.start[code.count] = module->text_start;
      code.size_bytes[code.count++] = module->text_end - module->text_start;
    }
  }
  if (const AttachProgram& program = the_agent.program; program.cleanup_bytes != 0) {
    code.count = 1;
    code.start[0] = program.cleanup;
    code.size_bytes[0] = program.cleanup_bytes;
  }
  const auto settle = [](auto*& function) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(original_of(reinterpret_cast<void*>(function)));
  };
  settle(provider.malloc);
  settle(provider.calloc);
  settle(provider.realloc);
  settle(provider.reallocarray);
  settle(provider.free);
  settle(provider.posix_memalign);
  settle(provider.aligned_alloc);
  settle(provider.memalign);
  settle(provider.valloc);
  settle(provider.pvalloc);
  settle(provider.mmap);
  settle(provider.mmap64);
  settle(provider.munmap);
  provider.mremap = original_of(provider.mremap);
  settle(provider.brk);
  settle(provider.sbrk);
  heap_provider_table = provider;
}

}  // namespace flarestack::agent
