// SPDX-License-Identifier: Apache-2.0
#include "report/regions_json.h"

namespace flarestack {
namespace {

void write_use(JsonWriter& json, const RegionUse& use) {
  json.member("calls", use.calls);
  json.member("unfinished", use.unfinished);
  json.member("wall_ns", use.total.wall_ns);
  json.member("self_wall_ns", use.self.wall_ns);
  json.member("longest_ns", use.longest_ns);
  json.member("cpu_ns", use.total.cpu_ns);
  json.member("self_cpu_ns", use.self.cpu_ns);
  json.member("allocations", use.total.allocations);
  json.member("self_allocations", use.self.allocations);
  json.member("allocated_bytes", use.total.allocated_bytes);
  json.member("self_allocated_bytes", use.self.allocated_bytes);
  json.member("deallocations", use.total.deallocations);
  json.member("deallocated_bytes", use.total.deallocated_bytes);
  json.member("live_delta_bytes", use.total.live_delta_bytes());
  json.member("live_delta_blocks", use.total.live_delta_blocks());
  json.member("peak_bytes", use.peak_bytes);
}

void write_values(JsonWriter& json, const char* key, const std::vector<RegionValue>& values) {
  json.key(key);
  json.begin_array();
  for (const RegionValue& value : values) {
    json.begin_object();
    json.member("name", value.name);
    json.member("count", value.count);
    json.member("sum", value.sum);
    json.member("smallest", value.smallest);
    json.member("largest", value.largest);
    json.member("last", value.last);
    json.end_object();
  }
  json.end_array();
}

void write_threads(JsonWriter& json, const Recording& recording, const Region& region) {
  json.key("threads");
  json.begin_array();
  for (const RegionThreadUse& each : region.threads) {
    json.begin_object();
    const bool known = each.thread < recording.threads.size();
    json.member("tid", known ? recording.threads[each.thread].tid : 0);
    json.member("name", known ? recording.threads[each.thread].name : std::string("[lost]"));
    write_use(json, each.use);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

void write_regions(JsonWriter& json, const Profile& profile) {
  const Regions regions = regions_of(profile.recording, profile.options);
  if (regions.empty()) return;
  json.key("regions");
  json.begin_array();
  for (const Region& region : regions.regions) {
    json.begin_object();
    json.member("name", region.name);
    json.member("path", region.path);
    json.member("depth", region.depth);
    write_use(json, region.use);
    write_threads(json, profile.recording, region);
    write_values(json, "tags", region.tags);
    json.end_object();
  }
  json.end_array();
  write_values(json, "counters", regions.counters);
  json.key("pools");
  json.begin_array();
  for (const RegionPool& pool : regions.pools) {
    json.begin_object();
    json.member("name", pool.name);
    json.member("allocations", pool.allocations);
    json.member("allocated_bytes", pool.allocated_bytes);
    json.member("live_bytes_at_end", pool.live_bytes_at_end);
    json.member("live_blocks_at_end", pool.live_blocks_at_end);
    json.member("peak_bytes", pool.peak_bytes);
    json.end_object();
  }
  json.end_array();
}

}  // namespace flarestack
