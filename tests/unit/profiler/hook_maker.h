// SPDX-License-Identifier: Apache-2.0
// Hooks a function of this very process, the way an agent does.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "profiler/inline_hook.h"
#include "profiler/process_maps.h"

namespace flarestack {

inline void write_own_memory(uint64_t address, const void* bytes, size_t size_bytes) {
  const Result<Fd> memory = open_file("/proc/self/mem", O_RDWR);
  REQUIRE(memory.ok());
  REQUIRE(pwrite(memory->get(), bytes, size_bytes, static_cast<off_t>(address)) == static_cast<ssize_t>(size_bytes));
}

// Hooked for as long as it lives. The code's bytes end where another function begins.
class HookedFunction {
 public:
  HookedFunction(uint64_t entry, FunctionCode code, uint64_t hook, std::optional<uint32_t> arity)
      : entry_(entry), displaced_(displace_entry(code)) {
    INFO((displaced_.ok() ? "" : displaced_.error().message));
    REQUIRE(displaced_.ok());
    Result<ProcessMaps> maps = ProcessMaps::read(getpid());
    REQUIRE(maps.ok());
    const std::optional<uint64_t> place = maps->take_near(entry, entry + code.bytes.size(), kAreaBytes);
    REQUIRE(place);
    area_ = mmap(reinterpret_cast<void*>(*place), kAreaBytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(area_ == reinterpret_cast<void*>(*place));
    const Result<HookCode> hooked = build_hook(*displaced_, {entry, *place, hook, arity});
    REQUIRE(hooked.ok());
    REQUIRE(hooked->code.size() <= kHookCodeBytes);
    std::memcpy(area_, hooked->code.data(), hooked->code.size());
    trampoline_ = hooked->trampoline_address;
    write_own_memory(entry, hooked->entry_jump.data(), hooked->entry_jump.size());
  }
  ~HookedFunction() {
    write_own_memory(entry_, displaced_->original.data(), displaced_->original.size());
    munmap(area_, kAreaBytes);
  }
  HookedFunction(const HookedFunction&) = delete;
  HookedFunction& operator=(const HookedFunction&) = delete;

  uint64_t trampoline() const { return trampoline_; }

 private:
  static constexpr size_t kAreaBytes = 4096;
  uint64_t entry_;
  Result<DisplacedEntry> displaced_;
  void* area_ = nullptr;
  uint64_t trampoline_ = 0;
};

}  // namespace flarestack
