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
  for (size_t i = 0; i < facts_.mappings.size(); ++i) {
    add_mapping(i);
  }
}

const LeakRootFacts::Thread* LeakRoots::thread_on(const Mapping& mapping) const {
  const auto found = std::find_if(facts_.threads.begin(), facts_.threads.end(), [&](const LeakRootFacts::Thread& one) {
    return holds(mapping, one.stack_pointer) || holds(mapping, one.thread_pointer);
  });
  return found != facts_.threads.end() ? &*found : nullptr;
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
  const bool is_agents = mapping.start >= facts_.own.first && mapping.start < facts_.own.second;
  if (!mapping.readable || !mapping.writable || is_agents || is_own(mapping) || is_device(mapping) ||
      (module != nullptr && is_own(*module))) {
    return;
  }
  if (!is_anonymous(mapping) && !is_stack(mapping)) {
    roots_.push_back({mapping.start, mapping.end, is_libc(mapping)});
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
  for (const auto& [start, end] : rest) {
    if (std::max(start, low) < end) {
      add_without(std::max(start, low), end, facts_.used);
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
  if (const LeakRootFacts::Thread* thread = thread_on(*mapping); thread != nullptr) {
    // Behind its stack a thread has its variables, up to what its thread pointer is the address of and beyond.
    const bool on_stack = holds(*mapping, thread->stack_pointer) &&
                          (!holds(*mapping, thread->thread_pointer) || address < thread->thread_pointer - 4096);
    return {on_stack ? LeakHolder::kStack : LeakHolder::kThreadLocal, thread->tid, ""};
  }
  if (is_stack(*mapping)) {
    return {LeakHolder::kStack, 0, ""};
  }
  const Mapping* module =
      mapping->inode != 0 ? mapping : module_before(static_cast<size_t>(mapping - facts_.mappings.data()));
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
