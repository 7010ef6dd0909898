// SPDX-License-Identifier: Apache-2.0
// links: flarestack_profiler
// Any bytes as a file that a process has mapped: what is found there can be hooked or has a reason.
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "base/fd.h"
#include "profiler/allocator_entries.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flarestack;  // NOLINT: a program of one function
  const Fd file(memfd_create("module", MFD_CLOEXEC));
  if (!file || !write_all(file.get(), {reinterpret_cast<const char*>(data), size}, "memfd").ok()) {
    std::abort();
  }
  const AllocatorEntries entries = AllocatorEntries::read(file.get(), {"_exit"});
  for (const auto* functions : {&entries.allocator(), &entries.functions()}) {
    for (const HookableFunction& function : *functions) {
      if (function.displaced.ok() ? function.displaced->original.size() < kEntryJumpBytes ||
                                        function.displaced->original.size() > kMaxDisplacedBytes
                                  : function.displaced.error().message.empty()) {
        std::abort();
      }
      if (function.displaced.ok()) {
        const HookPlace place{function.address + 0x10000000, function.address + 0x20000000, 1, 1};
        const Result<HookCode> hook = build_hook(*function.displaced, place);
        if (hook.ok() && hook->code.size() > kHookCodeBytes) {
          std::abort();
        }
      }
    }
  }
  return 0;
}
