// SPDX-License-Identifier: Apache-2.0
// Memory that the program maps itself, told apart from its heap: what an allocator maps for its own use it maps inside
// a hooked call, or by a system call of its own. Address space that is only reserved (PROT_NONE) is none.
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "preload/agent.h"
#include "preload/heap.h"
#include "preload/heap_provider.h"
#include "preload/hook.h"
#include "preload/system.h"

namespace flarestack::agent {
namespace {

uint64_t address_of(const void* memory) { return reinterpret_cast<uint64_t>(memory); }

// Where the program and its libc are one module, the caller does not tell whose memory it is.
bool is_for_stack() {
  const ThreadState* thread = this_thread();
  return thread != nullptr && thread->starts_thread;
}

[[gnu::always_inline]] inline void* map_with(const HeapCall& call, void* result, size_t size_bytes, int protection) {
  if (result != MAP_FAILED && protection != PROT_NONE && call.counts() && !is_for_stack()) {
    call.mapped(address_of(result), whole_pages(size_bytes));
  }
  return result;
}

}  // namespace
}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK void* mmap(void* address, size_t size_bytes, int protection, int flags, int descriptor,
                           long offset) noexcept {
  const HeapCall call(heap_caller(), the_agent.is_attached);
  return map_with(call, heap_provider().mmap(address, size_bytes, protection, flags, descriptor, offset), size_bytes,
                  protection);
}

FLARESTACK_HOOK void* mmap64(void* address, size_t size_bytes, int protection, int flags, int descriptor,
                             long offset) noexcept {
  const HeapCall call(heap_caller(), the_agent.is_attached);
  return map_with(call, heap_provider().mmap64(address, size_bytes, protection, flags, descriptor, offset), size_bytes,
                  protection);
}

FLARESTACK_HOOK int munmap(void* address, size_t size_bytes) noexcept {
  const HeapCall call(heap_caller(), the_agent.is_attached);
  if (call.counts()) {
    call.unmapping(address_of(address),
                   whole_pages(size_bytes));  // before: the place may be another thread's in a moment
  }
  return heap_provider().munmap(address, size_bytes);
}

FLARESTACK_HOOK void* mremap(void* address, size_t old_bytes, size_t new_bytes, int flags, ...) noexcept {
  const HeapCall call(heap_caller(), the_agent.is_attached);
  va_list list;
  va_start(list, flags);
  void* new_address = va_arg(list, void*);  // passed on whether it was given or not
  va_end(list);
  using Function = void* (*)(void*, size_t, size_t, int, void*);
  void* result = reinterpret_cast<Function>(heap_provider().mremap)(address, old_bytes, new_bytes, flags, new_address);
  if (result != MAP_FAILED && call.counts()) {
    call.unmapping(address_of(address), whole_pages(old_bytes));
    call.mapped(address_of(result), whole_pages(new_bytes));
  }
  return result;
}

FLARESTACK_HOOK void* sbrk(long increment) noexcept {
  const HeapCall call(heap_caller(), the_agent.is_attached);
  void* before = heap_provider().sbrk(increment);
  if (before != MAP_FAILED && increment != 0 && call.counts()) {
    if (increment > 0) {
      call.mapped(address_of(before), static_cast<uint64_t>(increment));
    } else {
      call.unmapping(address_of(before) - static_cast<uint64_t>(-increment), static_cast<uint64_t>(-increment));
    }
  }
  return before;
}

FLARESTACK_HOOK int brk(void* end) noexcept {
  const HeapCall call(heap_caller(), the_agent.is_attached);
  const uint64_t before = call.counts() ? static_cast<uint64_t>(flarestack::raw_syscall(SYS_brk, 0)) : 0;
  const int result = heap_provider().brk(end);
  const uint64_t after = address_of(end);
  if (result == 0 && call.counts() && after > before) {
    call.mapped(before, after - before);
  } else if (result == 0 && call.counts() && after < before) {
    call.unmapping(after, before - after);
  }
  return result;
}
