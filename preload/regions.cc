// SPDX-License-Identifier: Apache-2.0
#include "preload/regions.h"

#include <ctime>

#include "preload/agent.h"
#include "preload/heap.h"
#include "preload/heap_writer.h"
#include "preload/sandbox.h"
#include "preload/system.h"
#include "preload/thread_state.h"

namespace flarestack::agent {
namespace {

// A token: serial of its begin (32) | fork epoch (8) | slot (16) | depth (8).
constinit std::atomic<uint32_t> fork_epoch{0};

uint64_t token_of(const ThreadState& thread) {
  return uint64_t{thread.region.serial} << 32 | uint64_t{fork_epoch.load(std::memory_order_relaxed) & 0xff} << 24 |
         uint64_t{thread.slot} << 8 | thread.region.depth;
}

// The calling thread, able to write; nullptr: nothing is recorded, or this is a signal handler in the middle of an
// event.
ThreadState* writing_thread() {
  if (heap_switches->regions.load(std::memory_order_relaxed) == 0) {
    return nullptr;
  }
  ThreadState* thread = this_thread();
  if (thread == nullptr || thread->heap.ring == nullptr) [[unlikely]] {
    thread = HeapCall::adopt();
  }
  return thread != nullptr && !thread->heap.writing ? thread : nullptr;
}

uint64_t present_ticks() {
  if (the_agent.session.page().order_source == OrderSource::kTimeStampCounter) {
    return __builtin_ia32_rdtsc();
  }
  return clock_ns(CLOCK_MONOTONIC);
}

bool write_region(ThreadState& thread, RegionWord word, uint64_t second) {
  thread.heap.writing = true;
  HeapWriter writer(thread, false);
  const bool written = writer.reserve(kRegionWords);
  if (written) {
    writer.put(static_cast<uint64_t>(HeapKind::kRegion) | word.pack());
    writer.put(second);
    writer.publish();
  }
  thread.heap.writing = false;
  return written;
}

struct Name {
  const char* text;
  uint32_t bytes;
  uint32_t hash;
};

// FNV-1a, of what tells one node from another.
Name name_of(uint32_t parent, RegionNodeKind kind, const char* text) {
  uint32_t hash = (2166136261U ^ parent) * 16777619U ^ static_cast<uint32_t>(kind) << 24;
  uint32_t bytes = 0;
  for (; bytes < kMaxRegionName && text[bytes] != '\0'; ++bytes) {
    hash = (hash ^ static_cast<uint8_t>(text[bytes])) * 16777619U;
  }
  return {text, bytes, hash};
}

bool is_node(const RegionTable& table, const RegionNode& node, uint32_t parent, RegionNodeKind kind, const Name& name) {
  if (node.hash != name.hash || node.parent != parent || node.kind != kind || node.name_bytes != name.bytes) {
    return false;
  }
  for (uint32_t i = 0; i < name.bytes; ++i) {
    if (table.names[node.name_offset + i] != name.text[i]) {
      return false;
    }
  }
  return true;
}

// A new node that nobody else knows yet; 0: the table is full.
uint32_t make_node(RegionTable& table, uint32_t parent, RegionNodeKind kind, const Name& name) {
  // Once full they stay full: what is over is not given back, and must not wrap around.
  if (table.nodes.load(std::memory_order_relaxed) >= kMaxRegionNodes - 1 ||
      table.name_bytes.load(std::memory_order_relaxed) > kRegionNameBytes - name.bytes) {
    return 0;
  }
  const uint32_t number = table.nodes.fetch_add(1, std::memory_order_relaxed) + 1;
  const uint32_t offset = table.name_bytes.fetch_add(name.bytes, std::memory_order_relaxed);
  if (number >= kMaxRegionNodes || offset > kRegionNameBytes - name.bytes) {
    return 0;
  }
  for (uint32_t i = 0; i < name.bytes; ++i) {
    table.names[offset + i] = name.text[i];
  }
  table.node[number] = {parent, offset, name.hash, kind, static_cast<uint8_t>(name.bytes), 0};
  return number;
}

// The node of that name in `parent`, made if it is not there; 0: the table is full.
uint32_t find_node(uint32_t parent, RegionNodeKind kind, const char* text) {
  RegionTable& table = the_agent.session.regions();
  const Name name = name_of(parent, kind, text);
  uint32_t made = 0;
  for (uint32_t probe = 0; probe < kRegionBuckets; ++probe) {
    std::atomic<uint32_t>& bucket = table.buckets[(name.hash + probe) & (kRegionBuckets - 1)];
    uint32_t number = bucket.load(std::memory_order_acquire);
    if (number == 0) {
      made = made != 0 ? made : make_node(table, parent, kind, name);
      if (made == 0) {
        return 0;
      }
      // Pairs with the acquire above, in whichever thread finds it. Who comes second leaves its own unused.
      if (bucket.compare_exchange_strong(number, made, std::memory_order_acq_rel)) {
        return made;
      }
    }
    if (is_node(table, table.node[number], parent, kind, name)) {
      return number;
    }
  }
  return 0;
}

void set_innermost(ThreadState& thread) {
  RegionThread& region = thread.region;
  const uint32_t node = region.depth != 0 ? region.open[region.depth - 1].node : 0;
  region.innermost.store(node, std::memory_order_relaxed);
  slot_of(thread).region.store(node, std::memory_order_relaxed);
}

void count_lost() { the_agent.session.page().regions_lost.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

uint64_t begin_region(const char* name) {
  ThreadState* thread = writing_thread();
  if (thread == nullptr || recording_paused()) {
    return 0;
  }
  RegionThread& region = thread->region;
  const uint32_t node = region.depth < kMaxRegionDepth
                            ? find_node(region.innermost.load(std::memory_order_relaxed), RegionNodeKind::kRegion, name)
                            : 0;
  if (node == 0 ||
      !write_region(*thread, {RegionDeed::kBegin, node, static_cast<uint16_t>(region.depth + 1)}, present_ticks())) {
    count_lost();
    return 0;
  }
  region.open[region.depth] = {node, ++region.serial};
  ++region.depth;
  set_innermost(*thread);
  return token_of(*thread);
}

void end_region(uint64_t token) {
  ThreadState* thread = token != 0 ? writing_thread() : nullptr;
  if (thread == nullptr || (token >> 24 & 0xff) != (fork_epoch.load(std::memory_order_relaxed) & 0xff)) {
    return;
  }
  RegionThread& region = thread->region;
  const auto depth = static_cast<uint32_t>(token & 0xff);
  if ((token >> 8 & 0xffff) != thread->slot || depth == 0 || depth > region.depth ||
      region.open[depth - 1].serial != token >> 32) {
    the_agent.session.page().regions_unbalanced.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  region.depth = depth - 1;
  set_innermost(*thread);
  // Without room, the recorder learns of the end by what begins or ends next.
  write_region(*thread, {RegionDeed::kEnd, 0, static_cast<uint16_t>(depth)}, present_ticks());
}

void tell_value(RegionNodeKind kind, const char* name, uint64_t value) {
  ThreadState* thread = writing_thread();
  if (thread == nullptr || recording_paused()) {
    return;
  }
  const uint32_t parent = kind == RegionNodeKind::kTag ? thread->region.innermost.load(std::memory_order_relaxed) : 0;
  const uint32_t node = find_node(parent, kind, name);
  if (node == 0 || !write_region(*thread, {RegionDeed::kValue, node, 0}, value)) {
    count_lost();
  }
}

uint32_t pool_node(const char* name) {
  const uint32_t node = find_node(0, RegionNodeKind::kPool, name);
  if (node == 0) {
    count_lost();
  }
  return node;
}

void pause_recording(bool paused) {
  if (heap_switches->regions.load(std::memory_order_relaxed) != 0) {
    the_agent.session.page().paused.store(paused ? 1 : 0, std::memory_order_relaxed);
  }
}

bool recording_paused() { return the_agent.session.page().paused.load(std::memory_order_relaxed) != 0; }

void reset_regions() {
  fork_epoch.fetch_add(1, std::memory_order_relaxed);
  for (uint32_t i = 0; i < kSlotCount && thread_of_slot(i) != nullptr; ++i) {
    RegionThread& region = thread_of_slot(i)->region;
    if (region.depth != 0) {  // most have never been written to
      region.depth = 0;
      region.innermost.store(0, std::memory_order_relaxed);
    }
  }
}

}  // namespace flarestack::agent
