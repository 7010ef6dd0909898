// SPDX-License-Identifier: Apache-2.0
#include "report/heap_json.h"

#include "model/heap_advice.h"
#include "model/heap_functions.h"
#include "model/heap_sites.h"

namespace flarestack {
namespace {

void write_histograms(JsonWriter& json, const HeapSummary& summary) {
  json.key("sizes");
  json.begin_array();
  for (const SizeClassUse& use : summary.sizes) {
    json.begin_object();
    json.member("least_bytes", use.least_bytes);
    json.member("most_bytes", use.most_bytes);
    json.member("allocations", use.allocations);
    json.member("bytes", use.allocated_bytes);
    json.end_object();
  }
  json.end_array();
  json.key("lifetimes");
  json.begin_array();
  for (size_t i = 0; i < kLifetimeClasses && summary.mode != HeapMode::kImported; ++i) {
    json.begin_object();
    json.key("below_ns");
    if (i < kLifetimeBoundsNs.size()) {
      json.value(kLifetimeBoundsNs[i]);
    } else {
      json.null();
    }
    json.member("blocks", summary.lifetimes[i]);
    json.end_object();
  }
  json.end_array();
}

void write_mapped(JsonWriter& json, const Profile& profile, const HeapSummary& summary) {
  json.key("mapped");
  json.begin_object();
  json.member("mappings", summary.mapped.allocations);
  json.member("mapped_bytes", summary.mapped.allocated_bytes);
  json.member("peak_bytes", summary.mapped.peak_bytes);
  json.member("live_bytes_at_end", summary.mapped.live_bytes_at_end);
  json.key("paths");  // leaf first
  json.begin_array();
  const auto& nodes = profile.tree.nodes();
  for (const MappedPath& path : mapped_paths(profile)) {
    if (path.node == CallTree::kRoot) continue;  // of a profile of another metric
    json.begin_object();
    json.member("mapped_bytes", path.allocated_bytes);
    json.member("mappings", path.allocations);
    json.member("live_bytes_at_end", path.live_bytes);
    json.key("stack");
    json.begin_array();
    for (uint32_t node = path.node; node != CallTree::kRoot; node = nodes[node].parent) {
      json.begin_object();
      json.member("function", profile.functions[nodes[node].function].name);
      json.member("module", profile.functions[nodes[node].function].module);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_look(JsonWriter& json, const Profile& profile, const RecordedMemory& look) {
  const MemoryRecord& memory = look.memory;
  const bool known = look.process < profile.recording.processes.size();
  json.begin_object();
  json.member("pid", known ? profile.recording.processes[look.process].pid : 0);
  json.member("time_ns", memory.time_ns);
  json.member("rss_bytes", memory.rss_bytes);
  json.member("pss_bytes", memory.pss_bytes);
  json.member("allocator_bytes", memory.allocator_bytes);
  json.member("heap_live_bytes", memory.heap_live_bytes);
  json.member("mapped_bytes", memory.mapped_bytes);
  json.member("stack_bytes", memory.stack_bytes);
  json.member("file_bytes", memory.file_bytes);
  json.member("own_bytes", memory.own_bytes);
  json.member("minor_faults", memory.minor_faults);
  json.member("major_faults", memory.major_faults);
  json.end_object();
}

void write_memory(JsonWriter& json, const Profile& profile, const MemoryUse& memory) {
  json.key("memory");
  json.begin_object();
  json.key("rss_peak");
  if (memory.known) {
    write_look(json, profile, memory.peak);
  } else {
    json.null();
  }
  json.member("allocator_overhead_bytes", memory.allocator_overhead_bytes);
  json.member("minor_faults", memory.minor_faults);
  json.member("major_faults", memory.major_faults);
  json.key("timeline");
  json.begin_array();
  for (const RecordedMemory& look : memory.timeline) write_look(json, profile, look);
  json.end_array();
  json.end_object();
}

}  // namespace

const char* heap_mode_name(HeapMode mode) {
  switch (mode) {
    case HeapMode::kNone:
      return "none";
    case HeapMode::kExact:
      return "exact";
    case HeapMode::kSampled:
      return "sampled";
    case HeapMode::kImported:
      return "imported";
  }
  return "unknown";
}

void write_heap(JsonWriter& json, const char* key, const Profile& profile, const HeapSummary& summary) {
  json.key(key);
  json.begin_object();
  json.member("mode", heap_mode_name(summary.mode));
  json.member("sample_bytes", summary.sample_bytes);
  json.member("allocations", summary.allocations);
  json.member("deallocations", summary.deallocations);
  json.member("allocated_bytes", summary.allocated_bytes);
  json.member("peak_bytes", summary.peak_bytes);
  json.member("peak_blocks", summary.peak_blocks);
  json.member("peak_time_ns", summary.peak_time_ns);
  json.member("live_bytes_at_end", summary.live_bytes_at_end);
  json.member("live_blocks_at_end", summary.live_blocks_at_end);
  json.member("temporary_allocations", summary.temporary_allocations);
  json.key("confidence_95");
  if (summary.mode == HeapMode::kSampled) {
    json.begin_object();
    json.member("allocations", summary.allocations_confidence);
    json.member("allocated_bytes", summary.allocated_bytes_confidence);
    json.end_object();
  } else {
    json.null();
  }
  write_histograms(json, summary);
  write_mapped(json, profile, summary);
  write_memory(json, profile, summary.memory);
  json.member("events", summary.heap_events);
  json.member("events_lost", summary.heap_events_lost);
  json.member("foreign_frees", summary.foreign_frees);
  json.member("ambiguous_frees", summary.ambiguous_frees);
  json.member("stacks_truncated", summary.heap_stacks_truncated);
  json.member("stacks_heuristic", summary.heap_stacks_heuristic);
  json.member("stacks_elided", summary.heap_stacks_elided);
  json.end_object();
}

void write_places(JsonWriter& json, const Profile& profile, double threshold) {
  json.key("places");
  json.begin_array();
  for (const HeapSite& site : heap_sites_by_value(profile)) {
    const uint64_t value = site.value(profile.options.metric);
    if (static_cast<double>(value) < threshold * static_cast<double>(profile.total())) break;
    json.begin_object();
    json.member("value", value);
    json.member("allocations", site.allocations);
    json.member("allocated_bytes", site.allocated_bytes);
    json.member("temporary_allocations", site.temporary);
    json.member("peak_bytes", site.peak_bytes);
    json.member("live_bytes_at_end", site.live_bytes);
    write_path(json, profile, site.path);
    json.end_object();
  }
  json.end_array();
}

void write_advice(JsonWriter& json, const Profile& profile, const HeapSummary& summary) {
  json.key("advice");
  json.begin_array();
  for (const HeapAdvice& advice : heap_advice(profile, summary)) {
    json.begin_object();
    json.member("kind", advice_kind_name(advice.kind));
    json.member("weight", advice.weight);
    json.member("matter", advice.matter);
    json.member("remedy", advice.remedy);
    json.member("allocations", advice.allocations);
    json.member("bytes", advice.bytes);
    write_path(json, profile, advice.path);
    json.end_object();
  }
  json.end_array();
}

}  // namespace flarestack
