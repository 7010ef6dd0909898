// SPDX-License-Identifier: Apache-2.0
#include "profiler/leak_roots.h"

#include <algorithm>
#include <string_view>

namespace flarestack {
namespace {

constexpr uint64_t kRedZoneBytes = 128;  // System V ABI, AMD64, 3.2.2

using Mapping = ProcessMaps::Mapping;

bool is_own(const Mapping& mapping) {
  return mapping.path.starts_with("/memfd:flarestack") || mapping.path.starts_with("[anon:flarestack]") ||
         mapping.path.find("/libflarestack_preload.so") != std::string::npos;
}

bool is_device(const Mapping& mapping) {
  return mapping.path.starts_with("/dev/") && !mapping.path.starts_with("/dev/shm/") &&
         !mapping.path.starts_with("/dev/zero");
}

bool is_anonymous(const Mapping& mapping) {
  return mapping.path.empty() || mapping.path == "[heap]" || mapping.path.starts_with("[anon");
}

bool is_stack(const Mapping& mapping) { return mapping.path.starts_with("[stack"); }

bool is_libc(const Mapping& mapping) {
  const std::string_view name = std::string_view(mapping.path).substr(mapping.path.rfind('/') + 1);
  return name.starts_with("libc.so") || name.starts_with("libc-2.");
}

bool holds(const Mapping& mapping, uint64_t address) { return address >= mapping.start && address < mapping.end; }

}  // namespace

LeakRoots::LeakRoots(LeakRootFacts facts) : facts_(std::move(facts)) {
  has_libc_file_ = std::any_of(facts_.mappings.begin(), facts_.mappings.end(), is_libc);
  const auto program = std::find_if(facts_.mappings.begin(), facts_.mappings.end(), [](const Mapping& mapping) {
    return mapping.path.starts_with('/') && !mapping.path.starts_with("/memfd:");
  });
  program_path_ = program != facts_.mappings.end() ? program->path : std::string();
  for (size_t i = 0; i < facts_.mappings.size(); ++i) {
    add_mapping(i);
  }
}

// A static program has its libc in it.
bool LeakRoots::has_libc_data(const Mapping& mapping) const {
  return has_libc_file_ ? is_libc(mapping) : mapping.path == program_path_;
}

// Of a static program: what its libc keeps in memory that is made read-only once it has begun (RELRO).
bool LeakRoots::is_sealed_data(const Mapping& mapping) const {
  return !has_libc_file_ && mapping.path == program_path_ && !mapping.executable;
}

const LeakRootFacts::Thread* LeakRoots::thread_on(const Mapping& mapping) const {
  const auto found = std::find_if(facts_.threads.begin(), facts_.threads.end(), [&](const LeakRootFacts::Thread& one) {
    return holds(mapping, one.stack_pointer) || holds(mapping, one.thread_pointer);
  });
  return found != facts_.threads.end() ? &*found : nullptr;
}

// From each thread's stack pointer to what its libc keeps for it, which may be in one mapping with the memory of an
// allocator.
MemoryRanges LeakRoots::stacks_in(const Mapping& mapping) const {
  constexpr uint64_t kKeptBytes =
      2048;  // behind the thread pointer: musl's descriptor and what pthread_setspecific sets
  MemoryRanges stacks;
  for (const LeakRootFacts::Thread& thread : facts_.threads) {
    const uint64_t end = std::min(thread.thread_pointer + kKeptBytes, mapping.end);
    if (mapping.path == "[heap]" && holds(mapping, thread.thread_pointer)) {
      stacks.emplace_back(mapping.start,
                          end);  // a static glibc takes its first thread's variables from there, first of all
      continue;
    }
    const bool is_of_one_thread =
        std::none_of(facts_.threads.begin(), facts_.threads.end(), [&](const LeakRootFacts::Thread& other) {
          return other.thread_pointer > thread.stack_pointer && other.thread_pointer < thread.thread_pointer;
        });
    if (holds(mapping, thread.stack_pointer) && holds(mapping, thread.thread_pointer) &&
        thread.stack_pointer < thread.thread_pointer && is_of_one_thread) {
      stacks.emplace_back(std::max(mapping.start, thread.stack_pointer - kRedZoneBytes), end);
    }
  }
  std::sort(stacks.begin(), stacks.end());
  return stacks;
}

bool LeakRoots::is_ended_stack(const Mapping& mapping) const {
  return !is_stack(mapping) && thread_on(mapping) == nullptr &&
         std::any_of(facts_.thread_pointers.begin(), facts_.thread_pointers.end(),
                     [&](uint64_t pointer) { return holds(mapping, pointer); });
}

const Mapping* LeakRoots::module_before(size_t index) const {
  // Not across what cannot be written, as the guard below a stack.
  while (index > 0 && facts_.mappings[index].path.empty() && facts_.mappings[index].writable &&
         facts_.mappings[index].start == facts_.mappings[index - 1].end) {
    --index;
    if (facts_.mappings[index].inode != 0) {
      return &facts_.mappings[index];
    }
  }
  return nullptr;
}

namespace {

// What of the ranges is in none of the others; all are ascending and disjoint.
MemoryRanges without(const MemoryRanges& ranges, const MemoryRanges& others) {
  MemoryRanges result;
  for (auto [start, end] : ranges) {
    for (const auto& [from, to] : others) {
      if (from < end && to > start) {
        if (from > start) {
          result.emplace_back(start, from);
        }
        start = to;
      }
    }
    if (start < end) {
      result.emplace_back(start, end);
    }
  }
  return result;
}

}  // namespace

// What of [start, end) is in none of the holes, which are ascending and disjoint.
void LeakRoots::add_without(uint64_t start, uint64_t end, const MemoryRanges& holes) {
  auto hole = std::upper_bound(holes.begin(), holes.end(), start,
                               [](uint64_t address, const auto& one) { return address < one.second; });
  for (; hole != holes.end() && hole->first < end; ++hole) {
    if (hole->first > start) {
      roots_.push_back({start, hole->first});
    }
    start = std::max(start, hole->second);
  }
  if (start < end) {
    roots_.push_back({start, end});
  }
}

void LeakRoots::add_mapping(size_t index) {
  const Mapping& mapping = facts_.mappings[index];
  const Mapping* module = module_before(index);
  const bool is_agents = std::any_of(facts_.own.begin(), facts_.own.end(), [&](const auto& range) {
    return mapping.start >= range.first && mapping.start < range.second;
  });
  if (!mapping.readable || (!mapping.writable && !is_sealed_data(mapping)) || is_agents || is_own(mapping) ||
      is_device(mapping) || (module != nullptr && is_own(*module))) {
    return;
  }
  if (!is_anonymous(mapping) && !is_stack(mapping)) {
    roots_.push_back({mapping.start, mapping.end, has_libc_data(mapping)});
    return;
  }
  // What the program has mapped itself counts in any case, and is left out of all that follows.
  const bool is_any_stack = is_stack(mapping) || thread_on(mapping) != nullptr || is_ended_stack(mapping);
  for (const auto& [from, to] : facts_.earlier) {
    if (!is_any_stack && std::max(from, mapping.start) < std::min(to, mapping.end)) {
      roots_.push_back({std::max(from, mapping.start), std::min(to, mapping.end)});
    }
  }
  MemoryRanges rest;
  uint64_t at = mapping.start;
  for (const auto& [from, to] : facts_.mapped) {
    const uint64_t start = std::max(from, at);
    const uint64_t end = std::min(to, mapping.end);
    if (start < end) {
      roots_.push_back({start, end});
      rest.emplace_back(at, start);
      at = end;
    }
  }
  rest.emplace_back(at, mapping.end);
  if (is_ended_stack(mapping)) {
    return;
  }
  uint64_t low = mapping.start;
  if (is_stack(mapping) || thread_on(mapping) != nullptr) {
    uint64_t lowest = UINT64_MAX;
    for (const LeakRootFacts::Thread& thread : facts_.threads) {
      if (holds(mapping, thread.stack_pointer)) {
        lowest = std::min(lowest, thread.stack_pointer - kRedZoneBytes);
      }
    }
    low = lowest != UINT64_MAX ? std::max(low, lowest) : low;  // else it runs on another stack, and all of this counts
  }
  const MemoryRanges stacks = stacks_in(mapping);
  const MemoryRanges used = stacks.empty() ? MemoryRanges() : without(facts_.used, stacks);
  for (const auto& [start, end] : rest) {
    if (std::max(start, low) < end) {
      add_without(std::max(start, low), end, stacks.empty() ? facts_.used : used);
    }
  }
}

const Mapping* LeakRoots::mapping_of(uint64_t address) const {
  const auto behind = std::upper_bound(facts_.mappings.begin(), facts_.mappings.end(), address,
                                       [](uint64_t one, const Mapping& mapping) { return one < mapping.end; });
  return behind != facts_.mappings.end() && holds(*behind, address) ? &*behind : nullptr;
}

LeakRoots::Place LeakRoots::place_of(uint64_t address) const {
  const Mapping* mapping = mapping_of(address);
  if (mapping == nullptr) {
    return {};
  }
  const Mapping* module =
      mapping->inode != 0 ? mapping : module_before(static_cast<size_t>(mapping - facts_.mappings.data()));
  const LeakRootFacts::Thread* thread = thread_on(*mapping);
  // musl has the first thread's variables among the program's.
  constexpr uint64_t kBelowBytes = 512;
  constexpr uint64_t kAboveBytes = 2048;
  if (thread != nullptr && module != nullptr &&
      address + kBelowBytes - thread->thread_pointer >= kBelowBytes + kAboveBytes) {
    thread = nullptr;
  }
  if (thread != nullptr) {
    // Behind its stack a thread has its variables, up to what its thread pointer is the address of and beyond.
    const bool on_stack = holds(*mapping, thread->stack_pointer) &&
                          (!holds(*mapping, thread->thread_pointer) || address < thread->thread_pointer - 4096);
    return {on_stack ? LeakHolder::kStack : LeakHolder::kThreadLocal, thread->tid, ""};
  }
  if (is_stack(*mapping)) {
    return {LeakHolder::kStack, 0, ""};
  }
  if (module != nullptr) {
    return {LeakHolder::kModuleData, 0, module->path.c_str()};
  }
  return {};
}

bool LeakRoots::is_file(uint64_t address) const {
  const Mapping* mapping = mapping_of(address);
  return mapping != nullptr && mapping->inode != 0 && mapping->readable;
}

bool LeakRoots::is_code(uint64_t address) const {
  const Mapping* mapping = mapping_of(address);
  return mapping != nullptr && mapping->inode != 0 && mapping->executable;
}

}  // namespace flarestack
