// SPDX-License-Identifier: Apache-2.0
// LeakRoots: where in a stopped process pointers to live blocks count, and what such a place is called. Recorder side.
//
// Memory that can be read and written is a root, but for what allocators and flarestack itself have:
//   - data and bss of modules, and other mapped files but devices
//   - what the program has mapped itself
//   - of the stack of a thread what is above its stack pointer, with the 128 bytes below that leaf functions use. What
//     glibc keeps for a thread, thread-local variables included, lies at the upper end of its stack. The stacks of
//     threads that ended, which it keeps for others, are none
//   - of other anonymous memory what no block was ever in: an allocator's own memory is full of old pointers
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "profiler/leak_scan.h"
#include "profiler/process_maps.h"
#include "trace/records.h"

namespace flarestack {

// [start, end).
using MemoryRanges = std::vector<std::pair<uint64_t, uint64_t>>;

struct LeakRootFacts {
  struct Thread {
    int32_t tid = 0;
    uint64_t stack_pointer = 0;
    uint64_t thread_pointer = 0;
  };
  std::vector<ProcessMaps::Mapping> mappings;  // ascending
  std::vector<Thread> threads;                 // alive
  std::vector<uint64_t> thread_pointers;       // of all that there ever were
  MemoryRanges mapped;                         // by the program itself; ascending, disjoint
  MemoryRanges own;                            // in which all is the agent's
  MemoryRanges used;                           // HeapBlocks::used_ranges()
  // Of a process that was attached to: anonymous memory that it had then, but for stacks, without the blocks that live
  // in it now. What it allocated before is unknown, and whatever it points to is held.
  MemoryRanges earlier;
};

class LeakRoots {
 public:
  explicit LeakRoots(LeakRootFacts facts);

  const std::vector<ScanRoot>& roots() const { return roots_; }

  struct Place {
    LeakHolder kind = LeakHolder::kMapped;
    int32_t tid = 0;        // kStack, kThreadLocal
    const char* path = "";  // kModuleData: of the module's file; borrowed
  };
  Place place_of(uint64_t address) const;

  // Whether a file is mapped there, and whether it is code.
  bool is_file(uint64_t address) const;
  bool is_code(uint64_t address) const;

 private:
  using Mapping = ProcessMaps::Mapping;
  const Mapping* mapping_of(uint64_t address) const;
  bool has_libc_data(const Mapping& mapping) const;
  bool is_sealed_data(const Mapping& mapping) const;
  void add_mapping(size_t index);
  void add_without(uint64_t start, uint64_t end, const MemoryRanges& holes);
  const LeakRootFacts::Thread* thread_on(const Mapping& mapping) const;
  MemoryRanges stacks_in(const Mapping& mapping) const;
  bool is_ended_stack(const Mapping& mapping) const;
  // The module whose bss a mapping is, or nullptr.
  const Mapping* module_before(size_t index) const;

  LeakRootFacts facts_;
  bool has_libc_file_ = false;
  std::string program_path_;
  std::vector<ScanRoot> roots_;
};

}  // namespace flarestack
